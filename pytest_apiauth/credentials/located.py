"""Where a profile's API is: its base URL may stand in the environment, as a secret does."""

from __future__ import annotations

from pathlib import Path

from pytest_apiauth.credentials.identities import Surroundings
from pytest_apiauth.errors import ProfileError, UnsetError
from pytest_apiauth.messages import Origin
from pytest_apiauth.profile.loading import explained
from pytest_apiauth.profile.model import Profile, Reference


def located_profile(profile: Profile, folder: Path) -> Profile:
    """Return the profile with its real base URL, fit for a live run.

    Raises ProfileError or CredentialError if there is none, or if another URL of it is that of another API.
    """
    located = with_base_url(profile, folder)
    located.refuse_inherited()
    return located


def with_base_url(profile: Profile, folder: Path) -> Profile:
    """Return the profile with its real base URL. Raises ProfileError or CredentialError if there is none."""
    if profile.api_url is None:
        raise ProfileError(
            f"{profile.name}: api_url: the document names no host; a live run needs one, in a profile that extends"
            " this one"
        )
    if isinstance(profile.api_url, Reference):
        look = Surroundings(folder)
        url = look("api_url", profile.api_url)
        if not url:
            raise UnsetError(f"{profile.name}: api_url: {profile.api_url} {look.what_is_wrong(profile.api_url)}")
        with explained(f"{profile.name}: {profile.api_url}"):
            profile = profile.replaced(api_url=url)
    if not profile.may_be_plain(Origin.of(profile.base_url)):
        raise ProfileError(f"{profile.name}: api_url: {Origin.of(profile.base_url)} would send credentials in clear")
    return profile
