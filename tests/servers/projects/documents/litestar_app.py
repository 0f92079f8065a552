"""A Litestar application that describes keys and tokens of several places."""

import json

from litestar import Litestar, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, OAuthFlow, OAuthFlows, SecurityScheme
from litestar.testing import TestClient

FLOWS = OAuthFlows(client_credentials=OAuthFlow(token_url="https://shop.example/token", scopes={"items": "Read items"}))
SCHEMES = {
    "header": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
    "query": SecurityScheme(type="apiKey", name="key", security_scheme_in="query"),
    "cookie": SecurityScheme(type="apiKey", name="shop", security_scheme_in="cookie"),
    "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
    "oauth": SecurityScheme(type="oauth2", flows=FLOWS),
}


def route(name: str, security: list[dict[str, list[str]]]) -> object:
    """Return a route that is documented with these needs."""

    @get(f"/{name}", security=security, operation_id=name)
    async def handler() -> dict[str, str]:
        return {}

    return handler


ROUTES = [route(name, [{name: []}]) for name in SCHEMES]
ROUTES += [route("both", [{"header": [], "query": []}]), route("open", [])]
CONFIG = OpenAPIConfig(title="Shop", version="1", components=Components(security_schemes=SCHEMES))
app = Litestar(ROUTES, openapi_config=CONFIG)

if __name__ == "__main__":
    with TestClient(app) as client:
        print(json.dumps({"/schema/openapi.json": client.get("/schema/openapi.json").text}))
