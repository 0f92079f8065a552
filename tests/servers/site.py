"""A site that issues and checks tokens with django-oauth-toolkit, as its manual sets one up, in one file.

Run as a program, it makes a database in the folder it is given, serves on a free port of the loopback
interface, and says so in one line: ``ready http://127.0.0.1:PORT``. Its secrets come from the environment,
under the names that `dot.apiauth.toml` gives them.
"""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from gunicorn.app.base import BaseApplication  # type: ignore[import-not-found,import-untyped,unused-ignore]
from jwcrypto.jwk import JWK  # type: ignore[import-not-found,import-untyped,unused-ignore]

FOLDER = Path(sys.argv[1])
LIFETIME = 600
LOGIN = '<form method="post">{% csrf_token %}{{ form.as_p }}<button>Log in</button></form>'

settings.configure(
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FOLDER / "site.sqlite3",
            # SQLite answers "database is locked" at once where a transaction that began by reading comes to write.
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "oauth2_provider",
        "rest_framework",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    # Django's own advice for tests: the slow hashers would be most of a run.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                ],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ],
    LOGIN_URL="/login/",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "SCOPES": {"read": "See things", "write": "Change things", "openid": "Sign in"},
        "DEFAULT_SCOPES": ["read"],
        "ACCESS_TOKEN_EXPIRE_SECONDS": LIFETIME,
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": JWK.generate(kty="RSA", size=2048).export_to_pem(True, None).decode(),
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["oauth2_provider.contrib.rest_framework.OAuth2Authentication"],
        "DEFAULT_PERMISSION_CLASSES": ["oauth2_provider.contrib.rest_framework.TokenHasScope"],
        # Its default imports a page of the browsable interface, which needs templates.
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
)
django.setup()

# What follows needs the settings.
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connections  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.decorators import protected_resource  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402
from rest_framework.request import (  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: E402
    Request,
)
from rest_framework.response import (  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: E402
    Response,
)
from rest_framework.views import (  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: E402
    APIView,
)


class Me(APIView):
    """Who the token is for, with Django REST framework."""

    required_scopes = ("read",)

    def get(self, request: Request) -> Response:
        """Answer a GET."""
        return Response({"user": getattr(request.user, "username", None)})


@protected_resource(scopes=["read"])
def decorated(request: HttpRequest) -> JsonResponse:
    """Who the token is for, with the decorator of django-oauth-toolkit."""
    return JsonResponse({"user": getattr(request.resource_owner, "username", None)})


def anyone(request: HttpRequest) -> JsonResponse:
    """Something for everybody."""
    return JsonResponse({"open": True})


urlpatterns = [
    path("drf/me/", Me.as_view()),
    path("decorated/", decorated),
    path("open/", anyone),
    path("login/", LoginView.as_view()),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]


def fill() -> None:
    """Make the tables, two users, and an application a grant: here an application has one grant only."""
    call_command("migrate", verbosity=0)
    for name in ("alice", "bob"):
        User.objects.create_user(name, password=os.environ[f"DOT_{name.upper()}_PASSWORD"])
    for name, grant in (
        ("machine", Application.GRANT_CLIENT_CREDENTIALS),
        ("special", Application.GRANT_CLIENT_CREDENTIALS),
        ("login", Application.GRANT_PASSWORD),
        ("second", Application.GRANT_PASSWORD),
        ("web", Application.GRANT_AUTHORIZATION_CODE),
        ("other", Application.GRANT_AUTHORIZATION_CODE),
    ):
        Application.objects.create(
            name=name,
            client_id=f"site-{name}",
            client_secret=os.environ[f"DOT_{name.upper()}_SECRET"],
            redirect_uris=os.environ["DOT_REDIRECT_URI"],
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=grant,
        )
    connections.close_all()


class Site(BaseApplication):
    """The site under gunicorn."""

    def load_config(self) -> None:
        """Serve on a free port, or on that of DOT_PORT, and say which."""
        for name, value in {
            "bind": f"127.0.0.1:{os.environ.get('DOT_PORT', '0')}",
            "worker_class": "gthread",
            "threads": 4,
            "control_socket_disable": True,
            "when_ready": ready,
        }.items():
            # Releases before 25.1 know no control socket.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Give the WSGI application."""
        return get_wsgi_application()


def ready(server: Any) -> None:
    """Say where the site is."""
    host, port = server.LISTENERS[0].sock.getsockname()
    print(f"ready http://{host}:{port}", flush=True)


if __name__ == "__main__":
    fill()
    Site().run()
