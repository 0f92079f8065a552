import os
import secrets

import pytest


@pytest.fixture(scope="session")
def apiauth_credentials():
    os.environ["SITE_SHOP"] = secrets.token_urlsafe(24)
    return {"signature": os.environ["SITE_SHOP"]}
