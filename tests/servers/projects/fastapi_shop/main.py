"""A shop, in the style of FastAPI's tutorial: security by API key, and OAuth2 with password and JWT bearer tokens."""

import os
import secrets
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, Security, status
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, OAuth2PasswordRequestForm

ACCESS_TOKEN_EXPIRE_MINUTES = 30
ALGORITHM = "HS256"
SECRET_KEY = secrets.token_hex(32)

users = {"alice": os.environ.get("ALICE_PASSWORD", secrets.token_hex(16))}
api_keys: set[str] = set()


@asynccontextmanager
async def lifespan(app: FastAPI):
    yield {"catalogue": ["apple", "pear"]}


app = FastAPI(lifespan=lifespan)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")
api_key_header = APIKeyHeader(name="X-API-Key")


def check_api_key(key: Annotated[str, Security(api_key_header)]) -> None:
    if key not in api_keys:
        raise HTTPException(status_code=status.HTTP_401_UNAUTHORIZED, detail="Invalid API key")


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    credentials_exception = HTTPException(
        status_code=status.HTTP_401_UNAUTHORIZED,
        detail="Could not validate credentials",
        headers={"WWW-Authenticate": "Bearer"},
    )
    try:
        payload = jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError:
        raise credentials_exception from None
    username = payload.get("sub")
    if username not in users:
        raise credentials_exception
    return username


@app.post("/token")
async def login(form_data: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    password = users.get(form_data.username)
    if password is None or not secrets.compare_digest(password.encode(), form_data.password.encode()):
        raise HTTPException(
            status_code=status.HTTP_401_UNAUTHORIZED,
            detail="Incorrect username or password",
            headers={"WWW-Authenticate": "Bearer"},
        )
    expire = datetime.now(UTC) + timedelta(minutes=ACCESS_TOKEN_EXPIRE_MINUTES)
    payload = {"sub": form_data.username, "exp": expire, "jti": secrets.token_hex(8)}
    return {"access_token": jwt.encode(payload, SECRET_KEY, algorithm=ALGORITHM), "token_type": "bearer"}


@app.get("/users/me")
async def read_users_me(current_user: Annotated[str, Depends(get_current_user)]) -> dict[str, str]:
    return {"username": current_user}


@app.get("/items", dependencies=[Depends(check_api_key)])
async def read_items(request: Request) -> list[str]:
    return request.state.catalogue


@app.get("/status")
def read_status() -> dict[str, str]:
    return {"status": "up"}
