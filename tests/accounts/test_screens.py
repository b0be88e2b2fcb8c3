"""Every address of the accounts: whatever can be looked at wears the site's look and passes its strict policy."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.accounts.factories import PASSWORD, AccountFactory
from tests.accounts.helpers import CONFIRM, RESET, RESET_CODE, RESET_PASSWORD, log_in, mailed_code, sign_up

pytestmark = pytest.mark.django_db


def account_paths() -> list[str]:
    """Every path under /account/ and /accounts/; none takes an argument, or this fails."""
    paths = []

    def walk(prefix: str, patterns: list[URLPattern | URLResolver]) -> None:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(path, pattern.url_patterns)
            elif path.startswith("account"):
                paths.append(f"/{path}")

    walk("", get_resolver().url_patterns)
    return sorted(set(paths))


class Page(HTMLParser):
    """Collects what a strict policy blocks, and what a screen reader needs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.blocked: list[str] = []
        self.tags: list[str] = []
        self.lang = ""
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.blocked += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.blocked.append(tag)
        if any((value or "").strip().lower().startswith("javascript:") for value in values.values()):
            self.blocked.append(f"{tag} javascript:")
        if "id" in values:
            self.ids.append(str(values["id"]))
        if tag == "html":
            self.lang = values.get("lang") or ""
        if tag == "label":
            self.labelled.add(str(values.get("for")))
        if tag in {"input", "select", "textarea"} and values.get("type") != "hidden":
            self.fields.append(str(values.get("id")))


def check(response) -> None:
    text = response.content.decode()
    page = Page(text)
    assert page.blocked == []
    assert page.lang == "en"
    assert page.tags.count("h1") == 1
    assert page.tags.count("main") == 1
    assert 'class="site-header"' in text
    assert set(page.fields) <= page.labelled
    assert len(page.ids) == len(set(page.ids))
    assert "noindex" in text
    assert re.search(r"<title>[^<]+ · Coding Ahead</title>", text)
    assert "Sign In" not in text  # allauth's own words
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]


def test_the_paths_are_the_ones_we_know():
    """A new version of allauth that brings another screen must not go unnoticed."""
    assert account_paths() == [
        "/account/",
        "/account/data/",
        "/account/delete/",
        "/account/deleted/",
        "/accounts/",
        "/accounts/confirm-email/",
        "/accounts/email/",
        "/accounts/inactive/",
        "/accounts/login/",
        "/accounts/login/code/confirm/",
        "/accounts/logout/",
        "/accounts/password/change/",
        "/accounts/password/reset/",
        "/accounts/password/reset/complete/",
        "/accounts/password/reset/confirm/",
        "/accounts/password/reset/done/",
        "/accounts/password/set/",
        "/accounts/reauthenticate/",
        "/accounts/sessions/",
        "/accounts/signup/",
    ]


@pytest.mark.parametrize("path", account_paths())
@pytest.mark.parametrize("who", ["guest", "account"])
def test_each_screen_wears_the_sites_look(client, path, who):
    if who == "account":
        AccountFactory(email="reader@example.com")
        log_in(client, "reader@example.com")
    response = client.get(path)
    assert response.status_code in {200, 301, 302}
    if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
        check(response)


@pytest.mark.parametrize("path", account_paths())
def test_each_screen_answers_an_empty_post(client, path):
    AccountFactory(email="reader@example.com")
    assert client.post(path).status_code in {200, 302, 405}
    log_in(client, "reader@example.com")
    response = client.post(path)
    assert response.status_code in {200, 302, 405, 400}
    if response.status_code == 200:
        check(response)


def test_the_screens_half_way_wear_it_too():
    AccountFactory(email="reader@example.com")
    registering = Client()
    sign_up(registering, "new@example.com")
    check(registering.get(CONFIRM))
    check(registering.post(CONFIRM, {"code": "wrong"}))
    resetting = Client()
    resetting.post(RESET, {"email": "reader@example.com"})
    check(resetting.get(RESET_CODE))
    check(resetting.post(RESET_CODE, {"code": "wrong"}))
    resetting.post(RESET_CODE, {"code": mailed_code()})
    check(resetting.get(RESET_PASSWORD))
    check(resetting.post(RESET_PASSWORD, {"password1": "x", "password2": "y"}))


def test_the_screens_behind_the_password_wear_it_too(client):
    AccountFactory(email="reader@example.com")
    log_in(client, "reader@example.com")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    check(client.get("/account/delete/"))
    check(client.post("/account/delete/", {"confirmation": "wrong"}))
    client.post("/accounts/email/", {"email": "new@example.com", "action_add": "1"})
    check(client.get(CONFIRM))


def test_a_limit_that_is_reached_wears_it_too(client):
    for _ in range(21):
        response = client.post(RESET, {"email": "reader@example.com"})
    assert response.status_code == 429
    check(response)
