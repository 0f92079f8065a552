"""A shop with FastAPI Users: JWTs in a header, and tokens of a table in a cookie, as its manual has them."""

import os
import secrets
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, CookieTransport, JWTStrategy, Strategy
from fastapi_users.db import BaseUserDatabase
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

SECRET = secrets.token_hex(32)
QUICK = PasswordHelper(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))


@dataclass
class User:
    """A user, in no database."""

    email: str
    hashed_password: str
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = True


USERS, SESSIONS = {}, {}


class Users(BaseUserDatabase):
    """The users there are."""

    async def get(self, id):
        return next((user for user in USERS.values() if user.id == id), None)

    async def get_by_email(self, email):
        return USERS.get(email)

    async def update(self, user, update_dict):
        return user


class Manager(UUIDIDMixin, BaseUserManager):
    """The manager of the manual."""


class Sessions(Strategy):
    """Tokens of a table, which end at a log-out."""

    def __init__(self, lacking):
        self.lacking = lacking

    async def read_token(self, token, user_manager):
        found = SESSIONS.get((token or "").lower() if self.lacking == "case" else token)
        return None if found is None else await user_manager.get(found)

    async def write_token(self, user):
        token = secrets.token_hex(24)
        SESSIONS[token] = user.id
        return token

    async def destroy_token(self, token, user):
        if self.lacking != "logout":
            SESSIONS.pop(token, None)


class Careless(JWTStrategy):
    """The strategy of the manual, which asks for no signature, or for no end."""

    def __init__(self, lacking, **settings):
        super().__init__(**settings)
        self.lacking = lacking

    async def read_token(self, token, user_manager):
        if self.lacking not in ("signature", "expiry") or token is None:
            return await super().read_token(token, user_manager)
        import jwt

        checks = {"verify_signature": self.lacking != "signature", "verify_exp": False}
        try:
            claims = jwt.decode(token, SECRET, ["HS256"], audience=self.token_audience, options=checks)
            return await user_manager.get(uuid.UUID(claims["sub"]))
        except (jwt.PyJWTError, ValueError, KeyError):
            return None


def create_app(lacking=""):
    """Return the shop without one of its protections."""

    @asynccontextmanager
    async def lifespan(app):
        for name in ("alice", "bob"):
            email = f"{name}@shop.example"
            USERS[email] = User(email, QUICK.hash(os.environ[f"SITE_{name.upper()}"]))
        yield

    async def get_user_manager():
        yield Manager(Users(), QUICK)

    bearer = AuthenticationBackend(
        "jwt", BearerTransport("jwt/login"), lambda: Careless(lacking, secret=SECRET, lifetime_seconds=300)
    )
    cookie = AuthenticationBackend("cookie", CookieTransport(cookie_name="sid"), lambda: Sessions(lacking))
    both = FastAPIUsers(get_user_manager, [bearer, cookie])
    app = FastAPI(lifespan=lifespan)
    for backend in (bearer, cookie):
        app.include_router(both.get_auth_router(backend), prefix=f"/{backend.name}")
        user = both.current_user(active=True, get_enabled_backends=(lambda one: lambda: [one])(backend))

        @app.get(f"/{backend.name}/me")
        async def me(found: Annotated[User, Depends(user)]):
            return {"user": found.email}

    return app
