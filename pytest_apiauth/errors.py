"""What can go wrong, sorted by whose fault it is.

Every message is one line per fact: the profile, the key or endpoint, what was expected, what came
(redacted), what to do. The plug-in prints these messages without a traceback.
"""

from __future__ import annotations

from pytest_apiauth.printable import printable_lines


class ApiAuthError(Exception):
    """Base of everything this package raises on purpose; raise one of its subclasses.

    Whatever a message quotes, a terminal is not told what to do by it, and its lines end.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(printable_lines(str(message)))


class ProfileError(ApiAuthError):
    """The profile is wrong: unknown key, wrong type, unreadable file, cyclic ``extends``."""


class CredentialError(ApiAuthError):
    """A credential that the run needs is not there: an unset variable, an absent keyring entry.

    >>> raise CredentialError("shop: credentials.api_key: environment variable SHOP_KEY is not set")
    Traceback (most recent call last):
    pytest_apiauth.errors.CredentialError: shop: credentials.api_key: environment variable SHOP_KEY is not set
    """


class UnsetError(CredentialError):
    """The place that the profile names for a credential is empty."""


class ReplacedError(ApiAuthError):
    """A request brings a credential of its own where the client would put another one."""


class TokenError(ApiAuthError):
    """The provider answered a token request with something other than a usable token."""


class UnreachableError(ApiAuthError):
    """No answer came: the name does not resolve, nothing listens, TLS failed, it took too long.

    >>> raise UnreachableError("shop: https://api.shop.example cannot be reached")
    Traceback (most recent call last):
    pytest_apiauth.errors.UnreachableError: shop: https://api.shop.example cannot be reached
    """


class HandshakeError(UnreachableError):
    """A server ended the handshake of TLS since it does not take the client's certificate, or lacks one."""


class DroppedError(UnreachableError):
    """A connection ended before the answer came.

    >>> raise DroppedError("shop: https://api.shop.example: no answer")
    Traceback (most recent call last):
    pytest_apiauth.errors.DroppedError: shop: https://api.shop.example: no answer
    """


class BudgetError(UnreachableError):
    """The run has sent as many requests as it may."""


class NotRecordedError(ApiAuthError):
    """The cassettes hold nothing of what was asked."""


class ReportError(ApiAuthError):
    """A saved report cannot be read, or nothing may be made of it that was asked for."""


class GuardError(ApiAuthError):
    """The origin guard stopped a request before it left, because it would have leaked a credential."""
