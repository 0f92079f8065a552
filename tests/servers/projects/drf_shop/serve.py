"""The site with a database of its own, and two users whose passwords come from the environment."""

import os

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.test_settings"
django.setup()
call_command("migrate", verbosity=0)
for name in ("alice", "bob"):
    get_user_model().objects.create_user(name, password=os.environ[f"SITE_{name.upper()}"])
app = get_wsgi_application()
