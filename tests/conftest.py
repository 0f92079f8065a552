"""What all tests share."""

from hypothesis import settings

pytest_plugins = ["pytester"]

# How long one example takes is a matter of the machine and of what else it does.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
