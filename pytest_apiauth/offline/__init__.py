"""How a run without ``--apiauth-live`` keeps a profile's hosts out of reach, whatever library reaches for them.

Theory of operation. While a test runs that has to do with a profile, a `Refusal` of the profile's hosts is at work,
for the whole process; with a mock a `Detour` too, which speaks before it: who reaches for one of its hosts meets a
server on this machine instead, and is refused only if that cannot be brought about. Two things consult it. An
audit hook sees what goes through Python's ``socket`` module by any library: look-ups, connections, datagrams; it
raises before anything has left. A hook cannot be taken away again, so one is installed at first need, and does
nothing if no refusal is at work. What raises no audit event in time is met by methods that stand before the real
ones while a refusal is at work, and only then (`standing`): a name that ``connect`` resolves by itself, what a proxy
is told to connect to, the host that TLS is begun with, look-ups of uvloop and c-ares.

What this cannot see: other processes; libraries that bring a network of their own (libcurl, gRPC, database drivers in
C); a connection kept from before the test; a host without TLS at an address that was found in some other way.
"""

from pytest_apiauth.offline.hosts import Hosts
from pytest_apiauth.offline.refusal import Detour, OfflineError, Place, Refusal, at_work, offline_error_in

__all__ = ["Detour", "Hosts", "OfflineError", "Place", "Refusal", "at_work", "offline_error_in"]
