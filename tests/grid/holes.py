"""The cells that no rule fills, with the reason."""

from __future__ import annotations

TEXT = "a header field holds text"
NAMES = "a server may look names up without regard to case, to blanks, to how a letter is written"
LOGIN = "each value takes a login of its own, and a guess is worth nothing within the minutes that a code lives"
PROVES = "a name proves nothing: what is guessed is the secret beside it, and tok-refusal-steady repeats that"
OWN = "each attempt takes a token of its own, since a refused one may be dead (RFC 9700 4.14.2)"
NO_SCOPE = "what is no scope may count as none, and an absent one is granted by default (RFC 6749 3.3)"
ONCE = "it is tried once: whatever comes of a first attempt, a second one is that of code-single-use"
REQUESTED = "it asks for something and proves nothing: what is asked for anew is answered anew"
SAME_READER = "the form is read as that of the token endpoint is, of which err-form-robust asks"
FORM = "it travels in forms and queries, where everything is text"

HOLES: dict[tuple[str, str], str] = {
    **{
        (slot, "JSON types"): TEXT
        for slot in (
            "bearer token", "personal access token", "API key", "named credential", "user name of Basic",
            "password of Basic",
        )
    },
    ("user name of Basic", "other case"): NAMES,
    ("user name of Basic", "in a dress"): NAMES,
    ("client_id", "other case"): NAMES,
    ("client_id", "in a dress"): NAMES,
    ("client_id", "repetition"): PROVES,
    ("username", "other case"): NAMES,
    ("username", "in a dress"): NAMES,
    ("username", "repetition"): PROVES,
    ("refresh_token", "repetition"): OWN,
    ("code", "in a dress"): LOGIN,
    ("code", "JSON types"): LOGIN,
    ("code", "size"): LOGIN,
    ("code", "bytes"): LOGIN,
    ("code", "repetition"): ONCE,
    ("code_verifier", "in a dress"): LOGIN,
    ("code_verifier", "JSON types"): LOGIN,
    ("code_verifier", "bytes"): LOGIN,
    ("code_verifier", "repetition"): ONCE,
    ("redirect_uri", "nothing"): "RFC 6749 3.1.2.3 lets it be left out if one is registered",
    ("redirect_uri", "in a dress"): "RFC 6749 3.1.2.2 knows registrations that leave the query open",
    ("redirect_uri", "JSON types"): FORM,
    ("redirect_uri", "size"): "nothing depends on a length; az-params has long texts",
    ("redirect_uri", "bytes"): "az-params has bytes that are no text in every parameter",
    ("redirect_uri", "repetition"): REQUESTED,
    ("scope", "nothing"): "good servers differ over an empty scope",
    ("scope", "in a dress"): "blanks around a scope are its own separators (RFC 6749 3.3)",
    ("scope", "another's"): "what another grant's scope opens is the matter of res-insufficient-scope",
    ("scope", "JSON types"): NO_SCOPE,
    ("scope", "bytes"): NO_SCOPE,
    ("scope", "repetition"): REQUESTED,
    ("grant_type", "in a dress"): "blanks are taken away by many frameworks, and whoever asks knows what for",
    ("grant_type", "another's"): "the name of another grant asks for another grant",
    ("grant_type", "repetition"): REQUESTED,
    ("token asked about", "in a dress"): "who asks about a token holds it: nothing is learnt by a dress",
    ("token asked about", "another's"): "any token may be asked about by a client that may ask at all (RFC 7662 2.1)",
    ("token asked about", "JSON types"): FORM,
    ("token asked about", "bytes"): SAME_READER,
    ("token asked about", "repetition"): REQUESTED,
}  # fmt: skip
