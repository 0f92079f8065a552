"""A FastAPI application with a security scheme of each kind that FastAPI has."""

import json

from fastapi import Depends, FastAPI
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    OAuth2AuthorizationCodeBearer,
    OAuth2PasswordBearer,
)
from fastapi.testclient import TestClient

app = FastAPI(title="Shop")
SCHEMES = {
    "header": APIKeyHeader(name="X-API-Key", scheme_name="key"),
    "query": APIKeyQuery(name="key", scheme_name="visitor"),
    "cookie": APIKeyCookie(name="session", scheme_name="browser"),
    "basic": HTTPBasic(),
    "bearer": HTTPBearer(),
    "password": OAuth2PasswordBearer(tokenUrl="token"),
    "code": OAuth2AuthorizationCodeBearer("authorize", "token", refreshUrl="token", scopes={"items": "Read items"}),
}


@app.get("/open")
def open_route() -> dict[str, str]:
    """Answer everybody."""
    return {}


def protected() -> dict[str, str]:
    """Answer whoever brings what the route needs."""
    return {}


for name, scheme in SCHEMES.items():
    app.get(f"/{name}", dependencies=[Depends(scheme)])(protected)
app.get("/both", dependencies=[Depends(SCHEMES["header"]), Depends(SCHEMES["query"])])(protected)

if __name__ == "__main__":
    print(json.dumps({"/openapi.json": TestClient(app).get("/openapi.json").text}))
