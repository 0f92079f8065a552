"""What a person types and presses on the pages of one way through a login.

A form for a password gets the user's own, one for a name alone gets the name, one for a device's code gets that, and
of those that only ask for a button the one is pressed that is named, or that alone could be meant. A password is typed
once on each way, and never into a form that would put it into a URL; what is not clear is not guessed at.
"""

from __future__ import annotations

from pytest_apiauth.auth.browsing import Browser, Stopped, Tab, check_origin
from pytest_apiauth.auth.pages import CALLED_USERNAME, Button, Form
from pytest_apiauth.credentials.identities import UserIdentity
from pytest_apiauth.messages import Request
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Login, Profile


class Filling:
    """Fills in the forms that one user meets on one way; with ``user_code`` those that ask for it, too."""

    def __init__(
        self, profile: Profile, user: UserIdentity, browser: Browser, tab: Tab, *, user_code: str = ""
    ) -> None:
        self._profile = profile
        self._login = profile.login or Login()
        self._user = user
        self._browser = browser
        self._tab = tab
        self.has_typed = False
        """Whether a password was typed."""
        self._has_named = self._has_entered = False
        self._user_code = user_code

    def sent(self, forms: list[Form]) -> Request:
        """Return the request with which a person sends one of a page's forms. Raises Stopped."""
        return self._password(forms) or self._code(forms) or self._name(forms) or self._consent(forms)

    def _password(self, forms: list[Form]) -> Request | None:
        """Type name and password, if a form asks for them."""
        login = self._login
        asking = [form for form in forms if form.password(login.password) is not None]
        if len(asking) > 1:
            asking = [form for form in asking if form.username(login.username) and form.pressed(login.buttons)]
        if len(asking) > 1:
            asking = [form for form in asking if any(map(form.called, login.buttons))]
            if len(asking) != 1:
                raise Stopped("has several forms for a password; name a button of one in login.buttons")
        if not asking:
            return None
        self._browser.give_up_if_refused()
        if self.has_typed:
            again = "asks for the password again: it took no name and password of the user"
            raise self._browser.fail(f"{again} {self._user.name!r}")
        if self._user.password is None:
            raise Stopped(f"asks for a password, and the profile has none of the user {self._user.name!r}")
        form, filled = asking[0], {}
        if self._method(form, form.pressed(login.buttons, by_enter=True)) != "POST":
            raise Stopped("asks for a password with GET, which would put it into a URL")
        name, password = form.username(login.username), form.password(login.password)
        if name is not None:
            filled[name.name] = self._username()
        if password is not None:
            filled[password.name] = self._user.password.reveal()
        self.has_typed = True
        return self._sending(form, filled, by_enter=True)

    def _name(self, forms: list[Form]) -> Request | None:
        """Type the name alone, if a form asks for it before another one asks for the password."""
        for form in forms:
            field = form.username(self._login.username)
            meant = field is not None and (
                self._login.username is not None
                or "username" in field.autocomplete.split()
                or CALLED_USERNAME.search(field.name) is not None
            )
            if field is not None and meant and not self._has_named and form.method == "POST":
                self._has_named = True
                return self._sending(form, {field.name: self._username()}, by_enter=True)
        return None

    def _code(self, forms: list[Form]) -> Request | None:
        """Type the code that a device shows, if a form asks for it; a form that has it already is sent as it is."""
        for form in forms:
            field = form.user_code(self._login.user_code) if self._user_code else None
            if field is None:
                continue
            if self._has_entered:
                raise Stopped("asks for the device's code again: it did not take it")
            self._has_entered = True
            return self._sending(form, {} if field.value else {field.name: self._user_code}, by_enter=True)
        return None

    def _username(self) -> str:
        if self._user.username is None:
            raise Stopped(f"asks for a name, and the profile has none of the user {self._user.name!r}")
        return self._user.username

    def _consent(self, forms: list[Form]) -> Request:
        """Press the button that is named, or the only one that could be meant. Raises Stopped."""
        named = [form for form in forms if any(map(form.called, self._login.buttons))]
        posting = [form for form in forms if form.method == "POST" and not self._is_lacking(form)]
        willing = [form for form in posting if not form.buttons or any(not each.refuses for each in form.buttons)]
        candidates = named or willing
        if not candidates:
            raise Stopped("is a page without a form that a script could send")
        form = candidates[0]
        if len(candidates) == 1 and (not form.buttons or form.pressed(self._login.buttons) is not None):
            return self._sending(form, {})
        labels = ", ".join(one_line(button.label) for each in candidates for button in each.buttons)
        raise Stopped(f"has several buttons ({labels}); name one in login.buttons")

    def _is_lacking(self, form: Form) -> bool:
        """Whether a form asks for something to be written that nobody has given."""
        return any(not each.value and each.name not in self._login.fields for each in form.typed)

    def _sending(self, form: Form, filled: dict[str, str], *, by_enter: bool = False) -> Request:
        given = {each.name: self._login.fields[each.name] for each in form.inputs if each.name in self._login.fields}
        button = form.pressed(self._login.buttons, by_enter=by_enter)
        action = form.action if button is None or button.action is None else button.action
        request = self._tab.sending(action, self._method(form, button), form.pairs({**given, **filled}, button))
        check_origin(request.url, self._profile.origins)
        return request

    @staticmethod
    def _method(form: Form, button: Button | None) -> str:
        return form.method if button is None or button.method is None else button.method
