"""A Django Ninja application with a security scheme of each kind that Ninja has."""

import json

from django.conf import settings

settings.configure(SECRET_KEY="placeholder", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], INSTALLED_APPS=["ninja"])
import django  # noqa: E402

django.setup()
from django.http import HttpRequest  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from ninja import NinjaAPI  # noqa: E402
from ninja.security import APIKeyCookie, APIKeyHeader, APIKeyQuery, HttpBasicAuth, HttpBearer  # noqa: E402

api = NinjaAPI(title="Shop")


class Header(APIKeyHeader):
    param_name = "X-API-Key"

    def authenticate(self, request: HttpRequest, key: str) -> str:
        return key


class Query(APIKeyQuery):
    param_name = "key"

    def authenticate(self, request: HttpRequest, key: str) -> str:
        return key


class Cookie(APIKeyCookie):
    param_name = "shop"

    def authenticate(self, request: HttpRequest, key: str) -> str:
        return key


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> str:
        return token


class Basic(HttpBasicAuth):
    def authenticate(self, request: HttpRequest, username: str, password: str) -> str:
        return username


SCHEMES = {"header": Header(), "query": Query(), "cookie": Cookie(csrf=False), "bearer": Bearer(), "basic": Basic()}
SCHEMES["either"] = [SCHEMES["header"], SCHEMES["bearer"]]

api.get("/open", auth=None, operation_id="open")(lambda request: {})
for name, scheme in SCHEMES.items():
    api.get(f"/{name}", auth=scheme, operation_id=name)(lambda request: {})
urlpatterns = [path("api/", api.urls)]

if __name__ == "__main__":
    print(json.dumps({"/api/openapi.json": Client().get("/api/openapi.json").content.decode()}))
