"""Tokens that say something else, signed anew by the key that signs them: what a server must tell by its claims."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_apiauth.auth.edits import quoted
from pytest_apiauth.auth.forgeries import Members, jwt_parts
from pytest_apiauth.credentials import signing


@dataclass(frozen=True, slots=True)
class Minted:
    """A JWT made from another one, signed by its own key; a member whose value is None is left out.

    >>> token = Minted(claims=(("sub", "2"),)).made("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk", "made-up-key")
    >>> jwt_parts(token)
    ({'alg': 'HS256'}, {'sub': '2'})
    """

    header: Members = ()
    claims: Members = ()

    def made(self, token: str, key: str) -> str:
        """Return the other token. Raises CredentialError for a key that does not sign as the token is signed."""
        header, claims = (
            dict(part) | dict(new) for part, new in zip(jwt_parts(token), (self.header, self.claims), strict=True)
        )
        alg = str(header["alg"])
        present = [{name: value for name, value in part.items() if value is not None} for part in (header, claims)]
        return signing.jwt(present[0], present[1], key, alg, "signing_key")

    def shell(self, token: str, key: str) -> str:
        """Write it as an expression of bash, with token and key in two variables; it takes PyJWT for a private key."""
        code = (
            "import sys,json,hmac,base64 as b;t,k=sys.argv[1:];"
            "d=lambda t:json.loads(b.urlsafe_b64decode(t+'==='));"
            "e=lambda o:b.urlsafe_b64encode(o).decode().rstrip('=');"
            "c=lambda p,m:e(json.dumps({n:v for n,v in (d(p)|m).items() if v is not None}).encode());"
            f"h,p,_=t.split('.');a=d(h)['alg'];m=c(h,{dict(self.header)!r})+'.'+c(p,{dict(self.claims)!r});"
            "j=None if a[:2]=='HS' else __import__('jwt.algorithms').algorithms.get_default_algorithms()[a];"
            "k=k if j is None else j.from_jwk(k) if k[:1]=='{' else j.prepare_key(k.replace(chr(92)+'n',chr(10)));"
            "s=j.sign(m.encode(),k) if j else hmac.digest(k.encode(),m.encode(),'sha'+a[2:]);print(m+'.'+e(s),end='')"
        )
        return f'$(python3 -c {quoted(code)} "${{{token}}}" "${{{key}}}")'

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in (*self.header, *self.claims)) or "as it is"
