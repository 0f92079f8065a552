"""The examiner's grid: every slot meets every class of value, and every request every inert thing.

Theory of operation. A rule with a handful of values of its own finds what its author thought of. Here the values stand
once, as tables, and a rule takes them from here for the slot that it is about: `classes` has what may stand in a slot
in place of the right value, `inert` what may stand beside a request and mean nothing, `trusted` the header fields by
which some framework or proxy says who somebody is, `paths` the ways to spell a path, `bodies` what a body may be.
A rule says with `cells.fills` which classes it puts into which slot, so that what nobody fills can be told.

A row of a table is an edit, so no secret is in it, and each is tried in every run, live ones included; what Hypothesis
draws comes on top. A table of thirty rows for every route would be paid for by whoever runs it: the first probe that
stands for others has the whole table, the others the rows that are marked as ``brief``.
"""
