"""A credential as a request carries it: what it is, where it travels, how it is dressed there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.signatures import Signature
from pytest_apiauth.auth.texts import Base64, Ref, Text, exchanged, parts_of, refs_of
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.kinds import Kind, Place

CredentialKind = Kind | Literal["client"]
"""A kind of credential of a profile, or ``client``: how a client proves itself at the token endpoint."""
AUTHORIZATION: Final = Place("header", "Authorization")


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of a request: what it is, where it travels, and how it is dressed there.

    >>> key = Credential("api_key", "value-of-the-key", Place("header", "Authorization", "Token "))
    >>> key.text, key.dressed("Tokenvalue").text
    (('Token ', 'value-of-the-key'), 'Tokenvalue')
    """

    kind: CredentialKind
    value: Text
    place: Place = AUTHORIZATION
    is_pair: bool = False
    """Whether the value is id and password of HTTP Basic, which travel in Base64 (RFC 7617 2)."""
    signature: Signature | None = None
    """What travels in the place of the value, if that is a key which signs."""

    @property
    def text(self) -> Text:
        """What travels in the credential's place."""
        written = self.written
        return (self.place.prefix, *parts_of(written)) if self.place.prefix else written

    @property
    def written(self) -> Text:
        """What of it stands behind the place's word."""
        if self.place.pair is None:
            return Base64(self.value) if self.is_pair else self.value
        before, behind = self.place.pair
        return Base64(tuple(part for part in (before, *parts_of(self.value), behind) if part != ""))

    @property
    def name(self) -> str:
        """The name of the header, parameter or cookie that it travels in."""
        return self.place.name

    @property
    def slot(self) -> tuple[str, str]:
        """The place that one credential at a time can have; a header is the same one in any case."""
        return self.place.where, self.name.lower() if self.place.where == "header" else self.name

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The secrets in it, without their edits, in their order; of a pair first who is meant."""
        return tuple(ref.bare for ref in refs_of(self.value))

    def presenting(self, value: Text) -> Credential:
        """Return the credential with another value in the same dress."""
        return Credential(self.kind, value, self.place, self.is_pair, self.signature)

    def dressed(self, text: Text) -> Credential:
        """Return any text in the credential's place."""
        return replace(self, value=text, place=self.place.bare, is_pair=False, signature=None)

    def editing(self, edit: Edit | Forgery, *secrets: Ref) -> Credential:
        """Return the credential with an edit of these secrets, of each of them if none is named."""
        return self.presenting(
            exchanged(self.value, lambda ref: ref.with_edit(edit) if not secrets or ref.bare in secrets else ref)
        )

    def signing(self, request: Request, values: Mapping[Ref, str], learn: Callable[[str, str], object]) -> Request:
        """Return a request with what is made of it by a key that signs; whoever has to know the signature learns it.

        Raises Unchanged if what the key or the signature was changed to comes to the same, ProfileError if the
        function fails.
        """
        assert self.signature is not None
        (key,) = refs_of(self.value)
        added = self.signature.added(request, key.edited(values), values[key.bare])
        for name, text in added:
            if self.signature.signer.is_signature(name):
                learn(text, self.signature.signer.label)
        return self.signature.put_on(request, self.signature.altered(added), self.place)
