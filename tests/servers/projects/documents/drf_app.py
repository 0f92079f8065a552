"""A Django REST Framework application that drf-spectacular describes."""

import json

from django.conf import settings

settings.configure(
    SECRET_KEY="placeholder",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "rest_framework",
        "rest_framework.authtoken",
        "drf_spectacular",
    ],
    REST_FRAMEWORK={"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"},
    SPECTACULAR_SETTINGS={"TITLE": "Shop", "SERVE_PUBLIC": True},
)
import django  # noqa: E402

django.setup()
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from drf_spectacular.extensions import OpenApiAuthenticationExtension  # noqa: E402
from drf_spectacular.views import SpectacularAPIView  # noqa: E402
from rest_framework.authentication import (  # noqa: E402
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.permissions import AllowAny, IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.serializers import CharField, Serializer  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class QueryKey(BaseAuthentication):
    """A key of the project's own."""


class QueryKeyScheme(OpenApiAuthenticationExtension):
    target_class = QueryKey
    name = "visitor"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "query", "name": "key"}


class Empty(Serializer):
    name = CharField()


def view(name: str, *authentication: type, permission: type = IsAuthenticated) -> type:
    """Return a view that takes these credentials."""

    def get(self: object, request: object) -> Response:
        return Response({})

    attributes = {
        "authentication_classes": authentication,
        "permission_classes": [permission],
        "serializer_class": Empty,
        "get": get,
    }
    return type(name, (APIView,), attributes)


VIEWS = {
    "open": view("Open", permission=AllowAny),
    "token": view("Token", TokenAuthentication),
    "basic": view("Basic", BasicAuthentication),
    "session": view("Session", SessionAuthentication),
    "query": view("Query", QueryKey),
    "either": view("Either", TokenAuthentication, BasicAuthentication),
}
urlpatterns = [path(f"{name}/", each.as_view(), name=name) for name, each in VIEWS.items()]
urlpatterns += [
    path("api/schema/", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[AllowAny]))
]

if __name__ == "__main__":
    print(json.dumps({"/api/schema/": Client().get("/api/schema/").content.decode()}))
