"""The routes of the site; ``create_app("…")`` gives it with one of its protections taken away."""

import os

import jwt as pyjwt
from dj_rest_auth.jwt_auth import JWTCookieAuthentication, get_refresh_view
from dj_rest_auth.views import LoginView, LogoutView
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.wsgi import get_wsgi_application
from django.urls import path
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.models import AuthToken
from knox.views import LoginView as KnoxLoginView
from knox.views import LogoutView as KnoxLogoutView
from rest_framework.authentication import BasicAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.response import Response
from rest_framework_simplejwt.authentication import JWTAuthentication, default_user_authentication_rule
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken
from rest_framework_simplejwt.views import token_blacklist, token_obtain_pair, token_refresh


class Site:
    """What the request at hand is spared."""

    lacking = ""


def create_app(lacking=""):
    """Return the site as a WSGI app, without one of its protections."""
    site = get_wsgi_application()

    def app(environ, start_response):
        Site.lacking = lacking
        RefreshToken.check_blacklist = (lambda token: None) if lacking == "blacklist" else CHECK
        return site(environ, start_response)

    return app


CHECK = RefreshToken.check_blacklist


class Backend(ModelBackend):
    """Django's own, or one that lets deactivated users in."""

    def user_can_authenticate(self, user):
        return Site.lacking == "deactivated" or super().user_can_authenticate(user)


def may_log_in(user):
    """Tell whether a user gets tokens by simplejwt: its own rule, or none."""
    return Site.lacking == "deactivated" or default_user_authentication_rule(user)


class JWT(JWTAuthentication):
    """simplejwt's own, or a careless one."""

    def get_validated_token(self, raw_token):
        if Site.lacking == "type":
            return UntypedToken(raw_token)
        if Site.lacking in ("signature", "expiry"):
            key = api_settings.SIGNING_KEY
            checks = {"verify_signature": Site.lacking != "signature", "verify_exp": Site.lacking != "expiry"}
            claims = pyjwt.decode(raw_token, key, algorithms=["HS256"], options=checks)
            token = AccessToken()
            token.payload = claims
            return token
        return super().get_validated_token(raw_token)


class Knox(KnoxAuthentication):
    """knox's own, or one that looks at the key of the table alone."""

    def authenticate_credentials(self, token):
        if Site.lacking == "digest":
            for row in AuthToken.objects.filter(token_key=token.decode("latin-1")[:15]):
                return row.user, row
        return super().authenticate_credentials(token)

    def _cleanup_token(self, auth_token):
        return False if Site.lacking == "expiry" else super()._cleanup_token(auth_token)


class KnoxLogin(KnoxLoginView):
    """Log in with HTTP Basic, as the manual has it."""

    authentication_classes = (BasicAuthentication,)


class KnoxLogout(KnoxLogoutView):
    """Log out, or say so."""

    authentication_classes = (KnoxAuthentication,)

    def post(self, request, format=None):
        return Response(status=204) if Site.lacking == "logout" else super().post(request, format)


class Logout(LogoutView):
    """Log out, or only take the cookies away."""

    def post(self, request, *args, **kwargs):
        if Site.lacking == "logout":
            request.COOKIES.pop("refresh", None)
            answer = Response({})
            answer.delete_cookie("refresh")
            return answer
        return super().post(request, *args, **kwargs)


def me_by(*classes):
    """Return the route of the user, behind one of the packages."""

    @api_view()
    @authentication_classes(classes)
    def me(request):
        return Response({"user": request.user.username})

    return me


@api_view(["POST"])
@authentication_classes([TokenAuthentication])
def delete_token(request):
    """Log out, as most projects with DRF's own tokens do."""
    if Site.lacking != "logout":
        Token.objects.filter(user=request.user).delete()
    return Response(status=204)


class ForgivingTokens(TokenAuthentication):
    """DRF's own, or one that does not mind the case."""

    def authenticate_credentials(self, key):
        return super().authenticate_credentials(key.lower() if Site.lacking == "case" else key)


urlpatterns = [
    path("simplejwt/token/", token_obtain_pair),
    path("simplejwt/token/refresh/", token_refresh),
    path("simplejwt/token/blacklist/", token_blacklist),
    path("simplejwt/me/", me_by(JWT)),
    path("auth/login/", LoginView.as_view()),
    path("auth/token/refresh/", get_refresh_view().as_view()),
    path("auth/logout/", Logout.as_view()),
    path("auth/me/", me_by(JWTCookieAuthentication)),
    path("drf/token/", obtain_auth_token),
    path("drf/logout/", delete_token),
    path("drf/me/", me_by(ForgivingTokens)),
    path("knox/login/", KnoxLogin.as_view()),
    path("knox/logout/", KnoxLogout.as_view()),
    path("knox/me/", me_by(Knox)),
]


def add_users():
    """Have alice and bob, whose passwords the environment has, and carol, who was deactivated."""
    for name in ("alice", "bob", "carol"):
        word = os.environ[f"SITE_{name.upper()}"]
        get_user_model().objects.create_user(name, password=word, is_active=name != "carol")
