"""The authorization endpoint, and what becomes of its codes.

Most errors are decided before anybody logs in, so these rules need no browser. What a server decides only
after the login cannot be seen without one, and then a rule does not apply; it never passes unseen.
"""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import strategies as st

from pytest_apiauth.rules import (
    DEFAULT,
    DOC,
    MUST,
    SHOULD,
    STATED,
    Answer,
    Api,
    Draft,
    Edit,
    GrantType,
    NotApplicable,
    Origin,
    OutOfReach,
    Parts,
    Profile,
    Unchanged,
    consent,
    draws,
    rule,
)

from .grid.cells import Class, Slot, fills
from .grid.standing import TOGETHER
from .parts import authorization, mandatory_scope
from .redirects import FOREIGN, TABLE, Miss, drawn_misses, foreign_uris
from .strategies import VISIBLE

LOOK = (
    "The authorization endpoint, in its order: client and redirect_uri first, with an error page if they"
    " are wrong; everything else is told by a redirect."
)

LOGIN_FIRST = "the server asks for a login before it decides, and what comes after that takes a browser"
STRANGER = "apiauth-nobody"
STRANGE = f"https://{FOREIGN}/callback"
MARKUP = '"><script>apiauth</script>'
INJECTED = "X-Apiauth-Injected"


def both(valid: Draft) -> tuple[Draft, Draft]:
    """Return a request as it is, and with a response type nobody knows: that error is told at once, without a login."""
    return valid, consent.asking(valid, response_type="apiauth-unknown")


def decides(api: Api, valid: Draft) -> tuple[bool, bool]:
    """Tell for each of `both` whether a foreign redirect_uri is told from the registered one without a login.

    A browser is sent there with requests that anybody has made up, and those were not pushed.
    """

    def found() -> tuple[bool, bool]:
        first, second = (
            consent.sort_of(draft, api.send(draft).response) != consent.sort_of(foreign, api.send(foreign).response)
            for draft, foreign in (
                (draft, consent.asking(draft, redirect_uri=STRANGE)) for draft in both(valid.unpushed)
            )
        )
        return first, second

    return api.once("decides without a login", found)


def usual_sort(api: Api, draft: Draft) -> str:
    """Tell where the registered redirect_uri leads, found out once for each of `both`."""
    what = "where it leads", consent.asked(draft, "response_type")
    return api.once(what, lambda: consent.sort_of(draft, api.send(draft).response))


def need_decision(api: Api, valid: Draft) -> None:
    """Raise NotApplicable if nothing was decided at all."""
    if not api.examination.has_browser and not any(decides(api, valid)):
        raise OutOfReach(LOGIN_FIRST)


def stays(answer: Answer, uri: str, registered: str) -> None:
    """Require that the browser is not sent to a place, neither by redirection nor by the page."""
    page = answer.response.body.decode("utf-8", "replace") if answer.response.media_type == "text/html" else ""
    refresh = re.findall(r"(?i)<meta[^>]+http-equiv[^>]+refresh[^>]+>", page)
    refresh += answer.response.header_lines("refresh")
    targets = [consent.landing(answer.draft, answer.response)]
    targets += [found for line in refresh for found in re.findall(r"(?i)url\s*=\s*['\"]?([^'\">\s]+)", line)]
    for target in targets:
        arrives = consent.leads_to(target, uri, registered, answer.draft.url)
        answer.require(not arrives, f"no redirection to {uri}", f"{answer.status} with a redirection there")
    links = re.findall(r"(?i)(?:href|src|action)\s*=\s*['\"]?\s*([^'\">\s]+)", page)
    linked = any(consent.leads_to(link, uri, registered, answer.draft.url) for link in links)
    answer.advise(not linked, f"no link to {uri}", "one on the error page")


@fills(Slot.REDIRECT, Class.STAND_IN)
@rule(
    MUST,
    "RFC 6749 3.1.2.4",
    "RFC 6749 4.1.2.1",
    "RFC 9700 4.11.2",
    applies=authorization,
    catches=("redirect-any", "redirect-unknown-client"),
    look="The order in the authorization endpoint: check client and redirect_uri before anything that could"
    " redirect, and show a page if they are wrong.",
)
@draws([{"uri": STRANGE}], uri=foreign_uris)
def az_bad_redirect(api: Api, grant: GrantType, uri: str) -> None:
    """A redirect_uri that is not registered gets an error page and never a redirection, whoever the client is."""
    valid = api.authorization_request().unpushed
    registered = consent.asked(valid, "redirect_uri")
    for draft in both(valid):
        elsewhere = consent.asking(draft, redirect_uri=uri)
        for altered in (
            elsewhere,
            consent.asking(elsewhere, client_id=STRANGER),
            consent.asking(elsewhere, client_id=None),
        ):
            stays(api.send(altered), uri, registered)
    nobody = api.send(consent.asking(valid, client_id=STRANGER))
    nobody.advise(consent.returned(nobody.draft, nobody.response) is None, "an error page for an unknown client")
    api.control(valid)
    need_decision(api, valid)


def _others(profile: Profile) -> list[str]:
    """Return the other clients, by name, that have a redirect_uri."""
    asks = profile.client_of("authorization_code")
    every = {DEFAULT: profile.credentials, **profile.clients}
    return [name for name, client in every.items() if name != asks and client.redirect_uri is not None]


of_others = Parts(
    "the profile names no redirect_uri of another client",
    lambda profile: authorization.find(profile) if _others(profile) else {},
)


@fills(Slot.REDIRECT, Class.ANOTHERS)
@rule(
    MUST,
    "RFC 6749 3.1.2.3",
    "RFC 9700 2.1",
    applies=of_others,
    catches="redirect-of-any-client",
    look="The registered redirect URIs are looked up by client: a list for all of them lets one client's"
    " code go to another's page.",
)
def az_redirect_others(api: Api, grant: GrantType) -> None:
    """What another client has registered is no place to send a browser to for this one.

    Clients of one owner may share what is at one origin, so there it is advice.
    """
    valid = api.authorization_request().unpushed
    registered = consent.asked(valid, "redirect_uri")
    for name in _others(api.profile):
        uri = api.examination.target.identities.client(name).redirect_uri or registered
        for draft in both(valid) if uri != registered else ():
            answer = api.send(consent.asking(draft, redirect_uri=uri))
            if Origin.of(uri) != Origin.of(registered):
                stays(answer, uri, registered)
            else:
                arrives = consent.landing(answer.draft, answer.response).startswith(uri)
                answer.advise(not arrives, f"no redirection to {uri}", f"{answer.status} with a redirection there")
    api.control(valid)
    need_decision(api, valid)


@fills(Slot.REDIRECT, Class.NEAR, Class.CASE)
@rule(
    MUST,
    "RFC 6749 3.1.2.3",
    "RFC 9700 2.1",
    "RFC 9700 4.1.3",
    applies=authorization,
    catches=(
        "redirect-prefix-match",
        "redirect-path-ignored",
        "redirect-scheme-ignored",
        "redirect-any-subdomain",
        "redirect-parsed",
        "redirect-case-folded",
        "redirect-query-ignored",
    ),
    look="The comparison of redirect_uri is plain text equality with a registered value (RFC 9700 2.1): no"
    " startswith, no regular expression, no parsed parts.",
)
@draws([{"miss": miss} for miss in TABLE], miss=drawn_misses)
def az_redirect_near_miss(api: Api, grant: GrantType, miss: Miss | Edit) -> None:
    """A near miss of the registered redirect_uri gets no redirection to where it leads."""
    valid = api.authorization_request().unpushed
    registered = consent.asked(valid, "redirect_uri")
    near = miss.apply(registered)
    if near is None or consent.differ_by_port(near, registered):
        raise Unchanged("redirect_uri")
    for draft, is_decided in zip(both(valid), decides(api, valid), strict=True):
        answer = api.send(consent.asking(draft, redirect_uri=near))
        # Another spelling of the same place, or another query there, harms nobody: RFC 6749 3.1.2.2 knows of
        # registrations that leave the query open.
        if consent.place(near) != consent.place(registered):
            stays(answer, near, registered)
        if is_decided:
            sort = consent.sort_of(answer.draft, answer.response)
            expected = f"an error page for a redirect_uri that is not the registered one ({miss})"
            answer.advise(sort != usual_sort(api, draft), expected, "the same as for the registered one")
    # Nothing is guessed at, so a valid request after some of them shows as much as one after each.
    if miss not in TABLE or TABLE.index(miss) % TOGETHER == 0:
        api.control(valid)
    need_decision(api, valid)


@rule(
    SHOULD,
    "RFC 6749 3.1.1",
    "RFC 6749 4.1.2.1",
    "RFC 9700 2.1.2",
    applies=authorization,
    catches=("response-type-ignored", "implicit-accepted"),
    look="The dispatch by response_type: the documented words alone; switch off token and id_token where"
    " they are not documented, and answer unsupported_response_type.",
)
def az_response_type(api: Api, grant: GrantType) -> None:
    """A missing or unknown response_type is answered with the error that says so."""
    valid = api.authorization_request()
    seen = False
    for value in (None, "", "apiauth-unknown", "code apiauth-unknown", "CODE", "code,code", "xcode", "token"):
        with api.row():
            answer = api.send(consent.asking(valid, response_type=value))
            back = consent.returned(answer.draft, answer.response) or {}
            answer.require("code" not in back, f"an error for response_type {value!r}", "a code")
            answer.advise("access_token" not in back, f"an error for response_type {value!r}", "a token in a URL")
            for error in back.get("error", []):
                known = error in ("invalid_request", "unsupported_response_type", "unauthorized_client")
                answer.advise(known, "invalid_request or unsupported_response_type", "another error code")
            seen = seen or "error" in back or consent.sort_of(answer.draft, answer.response) == "refused"
    api.control(valid)
    if not seen:
        raise OutOfReach(LOGIN_FIRST)


ORDINARY = "apiauth-state_0123456789.ABCDEFGHIJKLMNOPQRSTUV~"
STATES = (
    ORDINARY, ORDINARY * 3, "apiauth&code=apiauth-injected&error=apiauth-injected", f"apiauth\r\n{INJECTED}: yes",
    f"%0d%0a{INJECTED}:%20yes", "a+b c%41%2541/=?#&;", MARKUP, ORDINARY * 80,
)  # fmt: skip


@rule(
    MUST,
    "RFC 6749 4.1.2",
    "RFC 6749 4.1.2.1",
    applies=authorization,
    catches=("state-dropped", "state-dropped-on-error", "state-cut", "state-unescaped"),
    look="state is opaque: store it as text of any length, and write it back through the query encoder, with"
    " errors too.",
)
@draws([{"state": state} for state in STATES], state=st.text(VISIBLE, min_size=1, max_size=120))
def az_state_echo(api: Api, grant: GrantType, state: str) -> None:
    """The state comes back unchanged, with a code and with an error, and never as anything but a state."""
    valid = api.authorization_request()
    is_ordinary = state in (ORDINARY, ORDINARY * 3)
    came_back = False
    for draft in both(valid):
        answer = api.send(consent.asking(draft, state=state))
        names = [name.lower() for name, _ in answer.response.headers]
        breaks = any(set("\r\n") & set(value) for _, value in answer.response.headers)
        answer.require(INJECTED.lower() not in names and not breaks, "a state that adds no header line", "one more")
        is_page = answer.response.media_type == "text/html"
        answer.require(not is_page or MARKUP.encode() not in answer.response.body, "a state escaped on pages", "markup")
        back = consent.returned(answer.draft, answer.response)
        if back is None:
            continue
        came_back = True
        added = "apiauth-injected" in (*back.get("code", ()), *back.get("error", ()))
        answer.require(not added, "a state that adds no parameter", "a code or an error out of the state")
        misplaced = consent.in_fragment(answer.draft, answer.response)
        answer.advise(not misplaced, "the answer in the query of the redirect_uri", "the answer in its fragment")
        judge = answer.require if is_ordinary else answer.advise
        judge(back.get("state") == [state], "the state unchanged", "none" if "state" not in back else "another")
    api.control(valid)
    if is_ordinary and not came_back:
        raise OutOfReach(LOGIN_FIRST)


@rule(
    SHOULD,
    "RFC 6749 3.1.2",
    applies=authorization,
    catches="redirect-query-dropped",
    look="How the answer is put into redirect_uri: parse its query and append to it, never replace it.",
)
def az_query_kept(api: Api, grant: GrantType) -> None:
    """The query that a registered redirect_uri has of its own comes back with the answer."""
    valid = api.authorization_request()
    own = consent.parameters_of(consent.asked(valid, "redirect_uri"))
    if not own:
        raise NotApplicable("the registered redirect_uri has no query of its own")
    seen = False
    for draft in both(valid):
        with api.row():
            answer = api.send(draft)
            back = consent.returned(answer.draft, answer.response)
            if back is not None:
                seen = True
                lost = sorted(name for name, values in own.items() if back.get(name) != values)
                answer.require(not lost, "the redirect_uri's own query kept", f"{', '.join(lost)} lost or changed")
    if not seen:
        raise OutOfReach(LOGIN_FIRST)


@rule(
    MUST,
    "RFC 6749 3.1",
    "RFC 6749 3.1.2.4",
    applies=authorization,
    catches=(
        "authorize-repeated-parameter-last-wins",
        "authorize-first-checked-last-used",
        "authorize-unknown-parameter-refused",
    ),
    look="How the authorization endpoint reads parameters: repeated ones are invalid_request (getlist),"
    " unknown ones ignored, and what was checked is what is used.",
)
def az_params(api: Api, grant: GrantType) -> None:
    """A second redirect_uri leads nowhere, a repeated parameter is an error, an unknown one changes nothing."""
    valid = api.authorization_request()
    registered = consent.asked(valid, "redirect_uri")
    for draft in both(valid.unpushed):
        foreign = ("redirect_uri", STRANGE)
        for query in ((*draft.query, foreign), (foreign, *draft.query)):
            with api.row():
                answer = api.send(replace(draft, query=query))
                stays(answer, STRANGE, registered)
                no_code(answer, registered, "an error for a second redirect_uri")
    for name in ("response_type", "state"):
        with api.row():
            answer = api.send(valid.with_query((name, consent.asked(valid, name))))
            no_code(answer, registered, f"an error for a repeated {name}")
    unknown = api.send(valid.with_query(("apiauth_unknown", "1")))
    usual = api.send(valid)
    same = consent.sort_of(unknown.draft, unknown.response) == consent.sort_of(usual.draft, usual.response)
    back = consent.returned(unknown.draft, unknown.response) or {}
    unknown.advise(same and "error" not in back, "no change by an unknown parameter")
    need_decision(api, valid)


def no_code(answer: Answer, registered: str, expected: str) -> None:
    """Recommend that an answer takes no code to the client."""
    back = consent.returned(consent.asking(answer.draft, redirect_uri=registered), answer.response) or {}
    answer.advise("code" not in back, expected, "a code")


@rule(
    DOC,
    STATED,
    applies=mandatory_scope,
    catches="authorize-scope-optional",
    look="The authorization endpoint's defaults: no default scope where the document demands one; answer"
    " invalid_scope.",
)
def az_scope(api: Api, grant: GrantType) -> None:
    """No code without the scope that is documented as mandatory."""
    valid = api.authorization_request()
    answer = api.send(consent.asking(valid, scope=None))
    back = consent.returned(answer.draft, answer.response)
    answer.require("code" not in (back or {}), "an error without the mandatory scope", "a code")
    if back is None and consent.sort_of(answer.draft, answer.response) != "refused":
        raise OutOfReach(LOGIN_FIRST)
    api.control(valid)


@rule(
    SHOULD,
    "RFC 9700 2.6",
    applies=authorization,
    catches="authorize-cors",
    look="The CORS middleware covers all of the app: leave the authorization endpoint out (RFC 9700 2.6).",
)
def az_no_cors(api: Api, grant: GrantType) -> None:
    """Scripts of other origins get no permission: a browser comes here by redirection only."""
    # A script of another site comes without the user's session, and so without a login.
    valid = api.authorization_request().opened_by("").as_control()
    preflight = replace(valid.unpushed, method="OPTIONS").with_headers(("Access-Control-Request-Method", "GET"))
    # What an API permits its documented origins is no permission to read a login.
    for origin in (f"https://{FOREIGN}", "null", *api.profile.allowed_origins):
        for draft in (valid, consent.asking(valid.unpushed, redirect_uri=STRANGE), preflight):
            with api.row():
                answer = api.send(draft.with_headers(("Origin", origin)))
                permission = answer.response.header("access-control-allow-origin")
                answer.require(permission is None, "no Access-Control-Allow-Origin", "one")
    api.control(valid)


@rule(
    SHOULD,
    "RFC 9700 4.16",
    "RFC 6749 10.13",
    applies=authorization,
    catches="authorize-framable",
    look="The headers of login and error pages: Content-Security-Policy: frame-ancestors 'none', or"
    " X-Frame-Options: DENY (Django: XFrameOptionsMiddleware).",
)
def az_framing(api: Api, grant: GrantType) -> None:
    """Login and error pages forbid other sites to frame them."""
    valid = api.authorization_request().opened_by("").as_control()
    pages = 0
    for draft in (valid, consent.asking(valid.unpushed, redirect_uri=STRANGE)):
        answer = api.send(draft)
        for _ in range(3):
            onward = api.followed(answer)
            if onward is None:
                break
            answer = api.send(onward)
        if answer.response.media_type == "text/html" and consent.sort_of(answer.draft, answer.response) in (
            "page",
            "refused",
        ):
            pages += 1
            answer.require(forbids_framing(answer), "X-Frame-Options, or frame-ancestors in a CSP", "neither")
    api.control(valid)
    if not pages:
        raise NotApplicable("no HTML page came")


def forbids_framing(answer: Answer) -> bool:
    """Whether a page keeps itself out of the frames of any site (CSP 3, 6.4.2; RFC 7034 2.1)."""
    policies = [line.strip() for value in answer.response.header_lines("content-security-policy")
                for line in re.split("[;,]", value)]  # fmt: skip
    ancestors = [policy.lower().split()[1:] for policy in policies if policy.lower().startswith("frame-ancestors")]
    option = (answer.response.header("x-frame-options") or "").strip().lower()
    return option in ("deny", "sameorigin") or any("*" not in allowed for allowed in ancestors)
