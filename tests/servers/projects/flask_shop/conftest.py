import secrets

import pytest
from flaskr import create_app
from flaskr.db import get_db, init_db
from werkzeug.security import generate_password_hash


@pytest.fixture(scope="session")
def apiauth_credentials():
    password, key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    with create_app().app_context():
        init_db()
        row = ("alice", generate_password_hash(password, method="pbkdf2:sha256:1"), key)
        get_db().execute("INSERT INTO user (username, password, api_key) VALUES (?, ?, ?)", row)
        get_db().commit()
    return {"username": "alice", "password": password, "api_key": key}
