"""The HTML report: one page that opens from a disk and asks for nothing. The only room that knows the template library.

`page` makes the text, from templates and from a view of the record: `findings` groups what needs a look, `matrix` is
what lets whom in, `lifelines` what became of tokens, `anchors` the names that links lead to.
"""
