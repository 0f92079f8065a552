from models import Client, User, db
from werkzeug.security import generate_password_hash

GRANTS = ["authorization_code", "password", "client_credentials", "refresh_token"]


def seed(app, secrets, redirect_uri="http://127.0.0.1:8000/callback"):
    """Make the tables, two users and three clients; secrets are those of alice, bob, shop, second and special."""
    with app.app_context():
        db.drop_all()
        db.create_all()
        for name in ("alice", "bob"):
            password = generate_password_hash(secrets[name], method="pbkdf2:sha256:1")
            db.session.add(User(username=name, password=password))
        for name in ("shop", "second", "special"):
            client = Client(client_id=f"the-{name}", client_secret=secrets[name])
            client.set_client_metadata(
                {
                    "client_name": name,
                    "grant_types": GRANTS,
                    "redirect_uris": [redirect_uri],
                    "response_types": ["code"],
                    "scope": "profile offline",
                    "token_endpoint_auth_method": "client_secret_basic",
                }
            )
            db.session.add(client)
        db.session.commit()
