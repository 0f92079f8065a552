"""The project in which Chromium plays the person has a conftest.py of its own, and is no test of ours."""

collect_ignore = ["project"]
