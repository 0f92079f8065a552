"""The decisions on requests that are signed by a function of the project's own.

Theory of operation. Nobody but that function knows how a signature is made. So the server has it make one of the
request that came, with each key that it knows, and compares: what it cannot judge is whether the function is any good.
When a signature came first is remembered, for it says nothing of its own time that this server could read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_apiauth.credentials.request_signing import RequestSigner
from pytest_apiauth.embedded.metadata_policy import MetadataPolicy
from pytest_apiauth.embedded.state import KeyRecord
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind, Scheme


class SignaturePolicy(MetadataPolicy):
    """Decisions about signatures; `Policy` adds those of resources."""

    def is_signing(self, kind: Kind) -> bool:
        """Whether a kind of credential is a signature."""
        return kind in self.profile.schemes and self.profile.schemes[kind].sign is not None

    def signing_key(self, kind: Kind, request: Request, text: str) -> KeyRecord | None:
        """Return the key that has signed a request; None if none of those that are known has, or not in time."""
        table, known = self.profile.schemes[kind], self.state.keys_of(kind).values()
        key = next((key for key in known if self.has_signed(kind, request, key, text)), None)
        if key is None or not self.is_new_signature(table, text):
            return None
        return key if self.is_in_time(table, text) or self.is_of_now(kind, request, key, text) else None

    def has_signed(self, kind: Kind, request: Request, key: KeyRecord, text: str) -> bool:
        """Whether a text is the signature of a request by a key."""
        signer = RequestSigner.of(self.profile, kind)
        made = (signer.expected(each, key.value) for each in self.signed_over(request))
        return any(each is not None and self.same_signature(text, each) for each in made)

    def signed_over(self, request: Request) -> Iterator[Request]:
        """Yield the requests whose signature this one may have: its own."""
        yield request

    def same_signature(self, presented: str, made: str) -> bool:
        """Compare signatures: every character counts."""
        return presented == made

    def is_new_signature(self, table: Scheme, text: str) -> bool:
        """Whether a signature did not come before, where each is good for one request."""
        return not table.once or text not in self.state.signatures

    def is_in_time(self, table: Scheme, text: str) -> bool:
        """Whether a signature is not older than documented; its time begins when it came first."""
        came = self.state.signatures.get(text)
        return table.lifetime is None or came is None or self.state.clock.now() < came + table.lifetime

    def is_of_now(self, kind: Kind, request: Request, key: KeyRecord, text: str) -> bool:
        """Whether the function would make the very same at this moment: where it signs a time, within its second."""
        signer = RequestSigner.of(self.profile, kind)
        names = {name.lower() for name, _ in signer.made(request, key.value)}
        lines = tuple(line for line in request.headers if line[0].lower() not in names)
        url, _, query = request.url.partition("?")
        pairs = "&".join(pair for pair in query.split("&") if pair.partition("=")[0].lower() not in names)
        bare = replace(request, headers=lines, url=f"{url}?{pairs}" if pairs else url, target=None)
        return signer.expected(bare, key.value) == text
