"""A browser in the place of the person who logs in, through the fixture ``apiauth_login``."""
