from authlib.integrations.flask_oauth2 import current_token
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, request, session, url_for
from models import User, db
from provider import require_oauth, server

bp = Blueprint("oauth", __name__)
PAGE = '<form method="post"><input name="username"><input name="password" type="password"><button>Allow</button></form>'


@bp.route("/.well-known/oauth-authorization-server")
def metadata():
    methods = ["client_secret_basic"]
    return {
        "issuer": request.url_root.rstrip("/"),
        "authorization_endpoint": url_for("oauth.authorize", _external=True),
        "token_endpoint": url_for("oauth.token", _external=True),
        "revocation_endpoint": url_for("oauth.revoke", _external=True),
        "introspection_endpoint": url_for("oauth.introspect", _external=True),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "password", "client_credentials", "refresh_token"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "scopes_supported": ["profile", "offline"],
        "code_challenge_methods_supported": ["S256"],
    }


@bp.route("/oauth/authorize", methods=["GET", "POST"])
def authorize():
    user = db.session.get(User, session["user"]) if "user" in session else None
    try:
        grant = server.get_consent_grant(end_user=user)
    except OAuth2Error as error:
        return server.handle_error_response(request, error)
    if request.method == "GET":
        return PAGE
    user = User.query.filter_by(username=request.form.get("username")).first()
    if user is None or not user.check_password(request.form.get("password", "")):
        return PAGE, 403
    session["user"] = user.id
    return server.create_authorization_response(grant_user=user, grant=grant)


@bp.route("/oauth/token", methods=["POST"])
def token():
    return server.create_token_response()


@bp.route("/oauth/revoke", methods=["POST"])
def revoke():
    return server.create_endpoint_response("revocation")


@bp.route("/oauth/introspect", methods=["POST"])
def introspect():
    return server.create_endpoint_response("introspection")


@bp.route("/api/me")
@require_oauth("profile")
def me():
    return {"user": current_token.user and current_token.user.username}


@bp.route("/api/status")
def status():
    return {"status": "up"}
