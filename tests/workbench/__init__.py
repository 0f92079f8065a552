"""A client library and its tests, as a team would write them with this plug-in, on four HTTP libraries."""
