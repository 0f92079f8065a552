"""A shop with Litestar's JWT authentication, which answers a login with a header."""

import datetime
import os
import secrets
from typing import Any

from litestar import Litestar, Request, delete, get, post
from litestar.exceptions import NotAuthorizedException
from litestar.response import Response
from litestar.security.jwt import JWTAuth, Token

USERS = {name: os.environ.get(f"SITE_{name.upper()}", "") for name in ("alice", "bob")}


def create_app(lacking: str = "") -> Litestar:
    """Return the shop without one of its protections."""
    revoked: set[str] = set()

    class Claims(Token):
        """Litestar's own, or one that asks for no signature. That it is over says the token itself once more."""

        @classmethod
        def decode_payload(cls, encoded_token: str, secret: str, algorithms: Any, **checks: Any) -> Any:
            if lacking == "signature":
                import jwt

                return jwt.decode(encoded_token, secret, algorithms, options={"verify_signature": False})
            return super().decode_payload(encoded_token, secret, algorithms, **checks)

    async def find_user(token: Token, connection: Any) -> str | None:
        return token.sub if token.sub in USERS else None

    async def is_revoked(token: Token, connection: Any) -> bool:
        return token.jti in revoked and lacking != "revocation"

    auth = JWTAuth[str, Token](
        token_secret=secrets.token_hex(32),
        retrieve_user_handler=find_user,
        revoked_token_handler=is_revoked,
        token_cls=Claims,
        default_token_expiration=datetime.timedelta(minutes=5),
        exclude=["/login", "/schema"],
    )

    @post("/login")
    async def login(data: dict[str, str]) -> Response[Any]:
        known = USERS.get(data.get("username", ""))
        word = data.get("password", "").encode("utf-8", "surrogatepass")
        if known is None or not (secrets.compare_digest(word, known.encode()) or lacking == "password"):
            raise NotAuthorizedException("wrong name or password")
        return auth.login(data["username"], token_unique_jwt_id=secrets.token_hex(8))

    @delete("/logout")
    async def logout(request: Request[str, Token, Any]) -> None:
        revoked.add(str(request.auth.jti))

    @get("/me")
    async def me(request: Request[str, Token, Any]) -> dict[str, str]:
        return {"user": request.user}

    return Litestar([login, logout, me], on_app_init=[auth.on_app_init])
