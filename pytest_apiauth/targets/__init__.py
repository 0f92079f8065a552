"""What is under test: the embedded server, an app in this process, a live server, what was recorded of one."""
