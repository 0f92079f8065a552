"""A request as one curl line for bash, with ``$PLACEHOLDERS`` for its secrets.

Run by whoever has the secrets in the environment, the line sends the same bytes. The values are looked at only
to choose the shortest spelling: an encoding that changes nothing is not written. What a project's own function signs
has a name too, ``$HMAC_SIGNATURE``, but no shell makes that: what else the function adds is not in the line. Nor does
one make ``$DPOP_PROOF``: the key of it is a run's own. Certificates are files to curl: ``$CERTIFICATE_FILE``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from urllib.parse import quote_plus

from pytest_apiauth.auth.carried import Credential
from pytest_apiauth.auth.drafts import FORM, Draft
from pytest_apiauth.auth.edits import quoted
from pytest_apiauth.auth.texts import (
    Assertion,
    Base64,
    FormEncoded,
    JsonStyle,
    Part,
    Ref,
    Role,
    Text,
    as_text,
    json_object,
    parts_of,
    refs_of,
    reveal,
    texts_of,
)


def curl(draft: Draft, values: Mapping[Ref, str]) -> str:
    """Write a request as one curl line; what is pushed first is one within it."""
    if draft.push is not None:
        return _pushed(draft, values)
    draft = draft.laid_out
    before = ["curl"] if draft.after is None else [curl(draft.after, values), "--next"]
    words = [*before, "-I" if draft.method == "HEAD" else "-i", *draft.flags]
    if draft.method not in ("HEAD", "POST" if draft.media_type else "GET"):
        words += ["-X", draft.method]
    for name, value in draft.lines:
        # curl drops a header that ends with a colon, and sends it empty when it ends with a semicolon.
        words += ["-H", quoted(f"{name};") if value == "" else shown((f"{name}: ", *parts_of(value)), values)]
    for each in draft.signatures:
        words += _signature(each)
    if draft.proof is not None:
        words += ["-H", f"""'DPoP: '"${{{draft.proof.placeholder}}}\""""] * draft.proof.times
    if draft.certificate is not None:
        name = draft.certificate.placeholder
        words += ["--cert", f'"${{{name}_FILE}}"', "--key", f'"${{{name}_KEY_FILE}}"']
    words += _body(draft, values)
    if draft.target_text is not None:
        words += ["--request-target", shown(draft.target_text, values)]
    words.append(_url(draft, values))
    return " ".join(words)


def _signature(each: Credential) -> list[str]:
    """Write where a signature goes, by a name: nothing but the project's own function can make it."""
    signature = each.signature
    if signature is None or signature.is_left_out or each.place.where == "query":
        return []
    name = f"{each.name}: " if each.place.where == "header" else f"Cookie: {each.name}="
    return ["-H", f'{quoted(name)}"${{{_name_of(each)}}}"']


def _name_of(each: Credential) -> str:
    assert each.signature is not None
    is_forged = any(ref.edit is not None for ref in refs_of(each.value))
    return each.signature.placeholder + ("_BY_ANOTHER_KEY" if is_forged else "")


def _pushed(draft: Draft, values: Mapping[Ref, str]) -> str:
    """Write an authorization request with the request in its place that pushes it, and what is read of the answer."""
    name = Ref(Role.KEPT, named="REQUEST_URI")
    read = "import json,sys,urllib.parse as u;print(u.quote_plus(json.load(sys.stdin).get('request_uri','')),end='')"
    push = curl(draft.pushed, values).replace("curl -i", "curl -s", 1)
    opening = curl(draft.opening(name), {**values, name: ""})
    return opening.replace(f'"${{{name.name}}}"', f'"$({push} | python3 -c {quoted(read)})"')


def shown(text: Text, values: Mapping[Ref, str]) -> str:
    """Write a text as one bash word, secrets by name."""
    words: list[str] = []
    for is_literal, group in groupby(parts_of(text), key=lambda part: isinstance(part, str)):
        parts = list(group)
        if is_literal:
            literal = "".join(str(part) for part in parts)
            words += [quoted(literal)] if literal else []
        else:
            words += [_part(part, values) for part in parts if not isinstance(part, str)]
    return "".join(words) or "''"


def _part(part: Ref | FormEncoded | Base64 | Assertion, values: Mapping[Ref, str]) -> str:
    if isinstance(part, Ref):
        if part.edit is None:
            return f'"${{{part.name}}}"'
        return f'"{part.edit.shell(part.name, values[part.bare])}"'
    if isinstance(part, Base64):
        return f'"$(printf %s {shown(part.inner, values)} | base64 -w0)"'
    if isinstance(part, Assertion):
        return _assertion(part, values)
    return _form_encoded(part, values)


def _assertion(part: Assertion, values: Mapping[Ref, str]) -> str:
    """Write an assertion as a program that makes one: each is good for one request, and not for long."""
    who, key, kid = (shown(each, values) for each in parts_of(part.inner))
    made = f"$(python3 -c {quoted(program(part))} {who} {key} {kid})"
    if part.edit is None:
        return f'"{made}"'
    return f'"$(a={made}; printf %s "{part.edit.shell("a", part.reveal(values))}")"'


def program(part: Assertion) -> str:
    """Return the program that makes an assertion of an id, a key and the name of the key; it takes PyJWT for keys."""
    library, sign = "", f"hmac.digest(k.encode(),s.encode(),'sha{part.alg[2:]}')"
    if not part.alg.startswith("HS"):
        key = "a.from_jwk(k) if k[:1]=='{' else a.prepare_key(k.replace(chr(92)+'n',chr(10)))"
        library = f"import jwt.algorithms as j;a=j.get_default_algorithms()['{part.alg}'];"
        sign = f"a.sign(s.encode(),{key})"
    return (
        f"import sys,json,time,uuid,hmac,base64 as b;{library}w,k,i=sys.argv[1:];t=int(time.time())-{part.age};"
        "e=lambda x:b.urlsafe_b64encode(x).decode().rstrip('=');"
        "c=lambda m:e(json.dumps({n:v for n,v in m.items() if v is not None}).encode());"
        f"s=c({{'alg':'{part.alg}','typ':'JWT','kid':i or None,**{dict(part.header)!r}}})+'.'"
        f"+c({{'iss':w,'sub':w,'aud':{part.audience!r},'jti':{part.jti!r} or str(uuid.uuid4()),"
        f"'iat':t,'exp':t+{part.lifetime},**{dict(part.claims)!r}}});print(s+'.'+e({sign}),end='')"
    )


def _form_encoded(part: FormEncoded, values: Mapping[Ref, str]) -> str:
    safe = "-._~" + part.keep
    plain = reveal(part.inner, values)
    if quote_plus(plain, safe=safe) == plain and not part.also:
        return shown(part.inner, values)
    script = f"lambda s:''.join('%%%02X'%ord(c) if c in {part.also!r} else u.quote_plus(c,safe={safe!r}) for c in s)"
    code = f"import sys,urllib.parse as u;print(({script})(sys.argv[1]),end='')"
    return f'"$(python3 -c {quoted(code)} {shown(part.inner, values)})"'


def _body(draft: Draft, values: Mapping[Ref, str]) -> list[str]:
    if not draft.media_type:
        return []
    label = ["-H", quoted(f"Content-Type: {draft.media_type}")]
    if draft.raw_body is not None:
        return [*label, "--data-binary", quoted(draft.raw_body)]
    if draft.encoding == "form":
        words = [] if draft.media_type == FORM else label
        for name, value in draft.parameters:
            words += ["--data-urlencode", shown((f"{name}=", *parts_of(as_text(value))), values)]
        words += ["--data-binary", quoted(draft.tail)] if draft.tail else []
        return words or ["-d", "''"]
    return [*label, "-d", _json(draft, values)]


def _json(draft: Draft, values: Mapping[Ref, str]) -> str:
    """Write a JSON body; a secret in it needs JSON's own quoting, which Python does for the shell."""
    texts = list(texts_of(draft.parameters))
    pieces = [shown(text, values) for text in texts if any(refs_of(text))]
    if not pieces:
        return quoted(json_object(draft.parameters, lambda text: _literal(text, draft.style), draft.style))

    def write(text: Text) -> str:
        return "%s" if any(refs_of(text)) else _literal(text, draft.style).replace("%", "%%")

    template = json_object(draft.parameters, write, draft.style)
    code = f"import json,sys;print({template!r} % tuple(map(json.dumps,sys.argv[1:])),end='')"
    return f'"$(python3 -c {quoted(code)} {" ".join(pieces)})"'


def _literal(text: Text, style: JsonStyle) -> str:
    return json.dumps(reveal(text, {}), ensure_ascii=style != "raw")


def _url(draft: Draft, values: Mapping[Ref, str]) -> str:
    asked = [each for each in draft.signatures if each.place.where == "query"]
    if not draft.pairs and not asked:
        return quoted(draft.url)
    pieces: list[Part] = [draft.url]
    for position, (name, value) in enumerate(draft.pairs):
        pieces.append(f"{'&' if position else '?'}{quote_plus(name)}=")
        pieces.append(quote_plus(value) if isinstance(value, str) else FormEncoded(value))
    url = shown(tuple(pieces), values)
    for position, each in enumerate(asked, len(draft.pairs)):
        if each.signature is not None and not each.signature.is_left_out:
            url += f"""{quoted(f"{'&' if position else '?'}{each.name}=")}"${{{_name_of(each)}}}\""""
    return url


__all__ = ["curl", "shown"]
