"""The promise: what one API says about authentication. The only package that knows the validation library."""
