"""A Flask-Smorest application that describes keys and tokens of several places."""

import json

from flask import Flask
from flask_smorest import Api, Blueprint

app = Flask(__name__)
app.config |= {
    "API_TITLE": "Shop",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.0.3",
    "OPENAPI_URL_PREFIX": "/",
}
api = Api(app)
SCHEMES = {
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "shop"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "basic": {"type": "http", "scheme": "basic"},
}
for name, scheme in SCHEMES.items():
    api.spec.components.security_scheme(name, scheme)
shop = Blueprint("shop", __name__)


def add(name: str, *security: dict[str, list[str]]) -> None:
    """Add a route that is documented with these needs."""

    @shop.route(f"/{name}", endpoint=name)
    @shop.response(200)
    @shop.doc(security=list(security))
    def handler() -> dict[str, str]:
        return {}


for name in SCHEMES:
    add(name, {name: []})
add("both", {"header": [], "query": []})
add("open")
api.register_blueprint(shop)

if __name__ == "__main__":
    print(json.dumps({"/openapi.json": app.test_client().get("/openapi.json").text}))
