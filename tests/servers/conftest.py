"""The projects of users that the suite is run in, each with a conftest.py of its own, are no tests of ours."""

collect_ignore = ["projects"]
