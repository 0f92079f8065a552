"""Recorded exchanges without a secret in them: the only place that knows vcrpy and pytest-recording.

Theory of operation. What is recorded stays real in memory, since the test under way needs it, and is made clean when
it is written. One walk (`walking`) goes through every place of an exchange in which a secret may stand, and tells
a visitor: this is a secret by its position, that is any other text. The first visit only collects, over the whole
tape; the second replaces, each value by the same placeholder wherever it stands (`vault`), so that a token in an
answer is the token of the next request and the tape can be replayed. A third kind of visit makes two requests
comparable whose secrets differ. At last the text that is about to be written is searched (`scan`) for every
value that anybody in this run knows, in every spelling: if one survives, nothing is written and the test fails.

Importing this package imports the standard library only.
"""
