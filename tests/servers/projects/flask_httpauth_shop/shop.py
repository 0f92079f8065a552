"""Three ways to protect a route, in the style of Flask-HTTPAuth's documentation."""

from flask import Flask
from flask_httpauth import HTTPBasicAuth, HTTPTokenAuth, MultiAuth
from werkzeug.security import check_password_hash, generate_password_hash

app = Flask(__name__)
basic_auth = HTTPBasicAuth()
token_auth = HTTPTokenAuth(scheme="Bearer")
multi_auth = MultiAuth(basic_auth, token_auth)
users = {}
tokens = {}


def register(name, password, token):
    users[name] = generate_password_hash(password, method="pbkdf2:sha256:1")
    tokens[token] = name


@basic_auth.verify_password
def verify_password(username, password):
    if username in users and check_password_hash(users.get(username), password):
        return username
    return None


@token_auth.verify_token
def verify_token(token):
    if token in tokens:
        return tokens[token]
    return None


@app.route("/basic/me")
@basic_auth.login_required
def by_password():
    return {"user": basic_auth.current_user()}


@app.route("/token/me")
@token_auth.login_required
def by_token():
    return {"user": token_auth.current_user()}


@app.route("/me")
@multi_auth.login_required
def by_either():
    return {"user": multi_auth.current_user()}


@app.route("/status")
def status():
    return {"status": "up"}
