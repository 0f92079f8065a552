"""Ways through the options of a client, through what it is told afterwards, and through single requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.http.foreign import FOREIGN, HOME, HOME_BY_NUMBER, PLAIN_HOME, UNKNOWN
from tests.http.hand import Hand
from tests.http.ways import AT_HOME, WAYS, Act, Way, way

REFUSED = "ProfileError: apiauth_client_factory: "
STOPPED = "GuardError: "
PROXY = "http://proxy.example:3128"


# Options of the client


@way("option mounts", ends=f"{REFUSED}mounts: ")
async def _mounts(hand: Hand) -> None:
    await hand.ask(client={"mounts": {"all://": _plain_transport(hand)}})


@way("option mounts, with redirects", ends=f"{REFUSED}mounts: ")
async def _mounts_redirect(hand: Hand) -> None:
    hand.net.redirect = 307, hand.url()
    await hand.ask("/r", client={"mounts": {"http://": _plain_transport(hand)}, "follow_redirects": True})


@way("option transport, a made one", ends=f"{REFUSED}transport: ")
async def _transport(hand: Hand) -> None:
    await hand.ask(client={"transport": _plain_transport(hand)})


@way("option transport, a class of the library", ends=f"{REFUSED}transport: ")
async def _transport_class(hand: Hand) -> None:
    await hand.ask(client={"transport": type(_plain_transport(hand))})


@way("option transport, a function that makes one of the library", ends=f"{REFUSED}transport: ")
async def _transport_function(hand: Hand) -> None:
    await hand.ask(client={"transport": lambda inner: _plain_transport(hand)})


@way("option transport, around the plug-in's")
async def _transport_around(hand: Hand) -> None:
    await hand.ask(client={"transport": hand.transport(lambda request: None)})


@way("option transport, around the plug-in's, that leads away")
async def _transport_leads_away(hand: Hand) -> None:
    def lead_away(request: Any) -> None:
        if request.url.path != "/token":
            request.url = hand.library.url(hand.url())

    await hand.ask("/v1/x", client={"transport": hand.transport(lead_away)})


def _plain_transport(hand: Hand) -> Any:
    module = hand.library.module
    return module.AsyncHTTPTransport(verify=False) if hand.is_async else module.HTTPTransport(verify=False)


@way("option proxy, to a foreign place in clear")
async def _proxy_to_foreign(hand: Hand) -> None:
    await hand.ask(client={"proxy": PROXY})


@way("option proxy, to a foreign place over TLS")
async def _proxy_to_foreign_tls(hand: Hand) -> None:
    await hand.ask(hand.url("https://foreign.example/take"), client={"proxy": PROXY})


@way("option proxy, to home in clear", ends=AT_HOME)
async def _proxy_to_home(hand: Hand) -> None:
    await hand.ask(hand.url(f"{HOME_BY_NUMBER}/x"), client={"proxy": PROXY})


@way("option proxy, to home over TLS", ends="library: ProxyError")
async def _proxy_to_home_tls(hand: Hand) -> None:
    await hand.ask(hand.url(f"{HOME}/v1/x"), client={"proxy": PROXY, "trust_env": False})


@way("option proxy, with a credential in its URL", "header")
async def _proxy_with_credential(hand: Hand) -> None:
    await hand.ask(headers={}, client={"proxy": f"http://user:{quote(hand.value, safe='')}@proxy.example:3128"})


@way("option base_url", ends=f"{REFUSED}base_url: ")
async def _base_url(hand: Hand) -> None:
    await hand.ask("/x", client={"base_url": FOREIGN})


@way("option verify, off", ends=f"{REFUSED}verify: ")
async def _verify(hand: Hand) -> None:
    await hand.ask(client={"verify": False})


@way("option auth, at a foreign place", "header", ends=STOPPED)
async def _auth(hand: Hand) -> None:
    await hand.ask(client={"auth": ("someone", UNKNOWN)})


@way("option auth, with a redirect", "header", ends=AT_HOME)
async def _auth_redirect(hand: Hand) -> None:
    hand.net.redirect = 307, f"{FOREIGN}/take"
    await hand.ask("/r", client={"auth": ("someone", UNKNOWN)})


@way("option auth, its secret in a body", "body", ends=STOPPED)
async def _auth_in_body(hand: Hand) -> None:
    client = hand.client(auth=("someone", UNKNOWN))
    await hand.done(client.request("POST", f"{FOREIGN}/take", auth=None, data={"password": UNKNOWN}))


@way("option headers", "header")
async def _headers(hand: Hand) -> None:
    await hand.ask(headers={}, client={"headers": hand.headers})


@way("option params", "URL")
async def _params(hand: Hand) -> None:
    await hand.ask(f"{FOREIGN}/take", client={"params": {"note": hand.value}})


@way("option cookies", "header", ends=STOPPED)
async def _cookies(hand: Hand) -> None:
    await hand.ask(headers={}, client={"cookies": {"session": UNKNOWN}})


@way("option event_hooks, the URL is changed after the credentials are set")
async def _hook_leads_away(hand: Hand) -> None:
    def lead_away(request: Any) -> None:
        request.url = hand.library.url(hand.url())

    await hand.ask("/v1/x", client={"event_hooks": {"request": [hand.hook(lead_away)]}})


@way("option event_hooks, a header is added", "header")
async def _hook_adds(hand: Hand) -> None:
    def add(request: Any) -> None:
        request.headers.update(hand.headers)

    await hand.ask(headers={}, client={"event_hooks": {"request": [hand.hook(add)]}})


@way("option event_hooks, the answer leads away")
async def _hook_of_answer(hand: Hand) -> None:
    def lead_away(answer: Any) -> None:
        if answer.request.url.host == "home.example":
            answer.status_code, answer.headers["location"] = 307, hand.url()

    hooks = {"response": [hand.hook(lead_away)]}
    await hand.ask("/v1/x", client={"event_hooks": hooks, "follow_redirects": True})


# What a client is told afterwards


@way("afterwards: base_url")
async def _base_url_after(hand: Hand) -> None:
    client = hand.client()
    client.base_url = FOREIGN
    place = hand.url("/take")
    await hand.done(client.request(hand.method, place, headers=hand.headers, content=hand.content))


@way("afterwards: auth", "header", ends=STOPPED)
async def _auth_after(hand: Hand) -> None:
    client = hand.client()
    client.auth = ("someone", UNKNOWN)
    await hand.done(client.request("GET", f"{FOREIGN}/take"))


@way("afterwards: headers", "header")
async def _headers_after(hand: Hand) -> None:
    client = hand.client()
    client.headers.update(hand.headers)
    await hand.done(client.request("GET", f"{FOREIGN}/take"))


@way("afterwards: params", "URL")
async def _params_after(hand: Hand) -> None:
    client = hand.client()
    client.params = {"note": hand.value}
    await hand.done(client.request("GET", f"{FOREIGN}/take"))


@way("afterwards: a cookie without a domain", "header", ends=STOPPED)
async def _cookie(hand: Hand) -> None:
    client = hand.client()
    client.cookies.set("session", UNKNOWN)
    await hand.done(client.request("GET", f"{FOREIGN}/take"))


@way("afterwards: a cookie of home's and of all beside it", "header", ends=STOPPED)
async def _wide_cookie(hand: Hand) -> None:
    client = hand.client()
    client.cookies.set("session", UNKNOWN, domain="home.example")
    await hand.done(client.request("GET", "http://below.home.example/x"))


@way("afterwards: a cookie of the foreign place", "header")
async def _their_cookie(hand: Hand) -> None:
    client = hand.client()
    client.cookies.set("note", hand.value, domain="foreign.example")
    await hand.done(client.request("GET", f"{FOREIGN}/take"))


@way("a cookie that home set, to home in clear", "header", ends=STOPPED)
async def _home_cookie_in_clear(hand: Hand) -> None:
    hand.net.cookie = f"session={UNKNOWN}"
    client = hand.client()
    await hand.done(client.get("/x"))
    await hand.done(client.request("GET", "http://home.example/v1/x"))


@way("a cookie that home set, redirected to another port", "header", ends=STOPPED)
async def _home_cookie_redirected(hand: Hand) -> None:
    hand.net.cookie = f"session={UNKNOWN}; Path=/"
    hand.net.redirect = 302, "https://home.example:8443/x"
    client = hand.client(follow_redirects=True)
    await hand.done(client.request("GET", "/x"))


@way("a cookie that the foreign place set, back to it", "URL")
async def _cookie_back(hand: Hand) -> None:
    client = hand.client()
    await hand.done(client.get(f"{FOREIGN}/first"))
    await hand.done(client.request("GET", hand.url()))


# Single requests


@way("build_request and send")
async def _send(hand: Hand) -> None:
    client = hand.client()
    request = client.build_request(hand.method, hand.url(), headers=hand.headers, content=hand.content)
    await hand.done(client.send(request))


@way("send of a request made without the client")
async def _send_bare(hand: Hand) -> None:
    client = hand.client()
    request = hand.library.request(hand.method, hand.url(), headers=hand.headers, content=hand.content)
    await hand.done(client.send(request))


@way("stream")
async def _stream(hand: Hand) -> None:
    client = hand.client()
    opened = client.stream(hand.method, hand.url(), headers=hand.headers, content=hand.content)
    if hand.is_async:
        async with opened as answer:
            await answer.aread()
    else:
        with opened as answer:
            answer.read()


@way("auth of one request", "header", ends=STOPPED)
async def _auth_of_request(hand: Hand) -> None:
    await hand.ask(headers={}, auth=("someone", UNKNOWN))


@way("auth of one request, a function", "header")
async def _auth_function(hand: Hand) -> None:
    def add(request: Any) -> Any:
        request.headers.update(hand.headers)
        return request

    await hand.ask(headers={}, auth=add)


@way("auth of one request, by digest, that nobody asks for", "URL")
async def _auth_digest(hand: Hand) -> None:
    # A foreign place that asks for nothing is told nothing.
    await hand.ask(auth=hand.library.module.DigestAuth("someone", UNKNOWN))


@way("auth of a request that is sent", "header", ends=STOPPED)
async def _auth_of_send(hand: Hand) -> None:
    client = hand.client()
    await hand.done(client.send(client.build_request("GET", hand.url()), auth=("someone", UNKNOWN)))


@way("user name and password in the URL", "header", ends=STOPPED)
async def _userinfo(hand: Hand) -> None:
    await hand.ask(FOREIGN.replace("//", f"//someone:{UNKNOWN}@"))


@way("an Auth of one's own that asks elsewhere")
async def _own_auth(hand: Hand) -> None:
    make = hand.library.request
    wanted = make(hand.method, hand.url(), headers=hand.headers, content=hand.content)
    inner: Any = hand.client()._auth if hand.is_authenticated else None

    def flow(self: Any, request: Any) -> Any:
        if inner is not None:
            wanted.headers["X-API-Key"] = hand.value
        yield wanted

    auth = type("Own", (hand.library.module.Auth,), {"auth_flow": flow})()
    await hand.ask("/v1/x", auth=auth)


CREDENTIAL_HEADERS = (
    "Authorization", "authorization", "Proxy-Authorization", "X-API-Key", "x_api_key", "X-ApiKey", "X-Auth-Token",
    "X-Access-Token", "Api-Key", "Cookie", "Ocp-Apim-Subscription-Key", "X-Client-Secret", "X-Vault-Token",
)  # fmt: skip


def _named(name: str) -> Act:
    async def act(hand: Hand) -> None:
        await hand.ask(f"{FOREIGN}/take", headers={name: UNKNOWN})

    return act


WAYS += [Way(f"header {name}", _named(name), ("header",), STOPPED) for name in CREDENTIAL_HEADERS]


@way("the name of a header", "header")
async def _header_name(hand: Hand) -> None:
    await hand.ask(headers={f"X-{quote(hand.value, safe='')}": "1"})


@way("extension target, of which a proxy makes another address")
async def _target(hand: Hand) -> None:
    target = hand.url("@foreign.example/take").encode()
    await hand.ask(f"{PLAIN_HOME}/x", extensions={"target": target}, client={"proxy": PROXY})


@way("extension target", "URL")
async def _target_of_foreign(hand: Hand) -> None:
    await hand.ask(f"{FOREIGN}/take", extensions={"target": f"/take?note={hand.value}".encode()})


@way("extension sni_hostname, another name", "credentials", ends=AT_HOME)
async def _sni(hand: Hand) -> None:
    await hand.ask(f"{HOME}/v1/x", extensions={"sni_hostname": "foreign.example"})


@way("header Host, another name", ends=AT_HOME)
async def _host(hand: Hand) -> None:
    await hand.ask(hand.url(f"{HOME}/v1/x"), headers={"Host": "foreign.example", **hand.headers})


@way("header Host like home's")
async def _host_like_home(hand: Hand) -> None:
    await hand.ask(headers={"Host": "home.example", **hand.headers})


@way("an upgrade to what nobody looks into", ends=STOPPED)
async def _upgrade(hand: Hand) -> None:
    await hand.ask(headers={"Upgrade": "websocket", "Connection": "Upgrade", **hand.headers})


@way("CONNECT", "credentials", "header", ends=STOPPED)
async def _connect(hand: Hand) -> None:
    await hand.ask(method="CONNECT")


@way("the method", "header")
async def _method(hand: Hand) -> None:
    await hand.ask(method=quote(hand.value, safe=""), headers={})
