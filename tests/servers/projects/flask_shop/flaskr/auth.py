import functools

from flask import Blueprint, g, request
from werkzeug.security import check_password_hash

from flaskr.db import get_db

bp = Blueprint("auth", __name__)


def refused(challenge):
    return {"error": "Unauthorized"}, 401, {"WWW-Authenticate": challenge}


def login_required(view):
    @functools.wraps(view)
    def wrapped_view(**kwargs):
        given = request.authorization
        if given is None or given.type != "basic":
            return refused('Basic realm="shop"')
        user = get_db().execute("SELECT * FROM user WHERE username = ?", (given.username,)).fetchone()
        if user is None or not check_password_hash(user["password"], given.password):
            return refused('Basic realm="shop"')
        g.user = user
        return view(**kwargs)

    return wrapped_view


def key_required(view):
    @functools.wraps(view)
    def wrapped_view(**kwargs):
        key = request.headers.get("X-API-Key")
        g.user = get_db().execute("SELECT * FROM user WHERE api_key = ?", (key,)).fetchone()
        if g.user is None:
            return refused("ApiKey")
        return view(**kwargs)

    return wrapped_view


@bp.route("/account/me")
@login_required
def me():
    return {"username": g.user["username"]}


@bp.route("/catalogue")
@key_required
def catalogue():
    return {"items": ["apple", "pear"]}
