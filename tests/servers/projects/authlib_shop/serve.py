import os

from provider import create_app
from seed import seed

app = create_app()
values = {name: os.environ[f"SITE_{name.upper()}"] for name in ("alice", "bob", "shop", "second", "special")}
seed(app, values, os.environ["SITE_REDIRECT_URI"])
