"""Requests that no browser sends by itself are answered clearly, never with a 500."""

import pytest
from django.test import Client

from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import CONFIRM, EMAIL, LOGIN, RESET, RESET_CODE, SIGNUP, log_in, sign_up

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
FORMS = [
    LOGIN,
    SIGNUP,
    RESET,
    CONFIRM,
    RESET_CODE,
    EMAIL,
    "/accounts/logout/",
    "/accounts/sessions/",
    "/account/delete/",
]
BODIES = {
    "nul": b"email=a%00b%40example.com&login=%00&password=%00&password1=%00&password2=%00&code=%00&next=%00&action=%00",
    "bad utf-8": b"email=%ff%fe&login=%c3%28&password=%ff&password1=%ff&password2=%ff&code=%ed%a0%80&next=%ff",
    "a megabyte": b"email=" + b"x" * 1_000_000 + b"&login=" + b"y" * 100_000 + b"&code=" + b"9" * 100_000,
    "many fields": b"&".join(b"f%d=1" % number for number in range(1500)),
    "lists": b"email=a&email=b&login=a&login=b&code=1&code=2&next=/&next=//evil.example",
    "not a form": b"\x00\x01\x02\xff",
    "empty": b"",
}


@pytest.fixture(params=["guest", "registering", "account"])
def somebody(request) -> Client:
    client = Client(raise_request_exception=True)
    if request.param == "registering":
        sign_up(client, "new@example.com")
    if request.param == "account":
        AccountFactory(email="reader@example.com")
        log_in(client, "reader@example.com")
    return client


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("path", FORMS)
def test_strange_bodies(somebody, path, body):
    response = somebody.post(path, body, content_type=FORM)
    assert response.status_code in {200, 302, 400, 429}


@pytest.mark.parametrize(
    "content_type",
    [f"{FORM}; charset=utf-16", f"{FORM}; charset=nonsense", "multipart/form-data", "multipart/form-data; boundary=",
     "multipart/form-data; boundary=x", "application/json", "text/plain", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", [LOGIN, SIGNUP, RESET])
def test_strange_content_types(client, path, content_type):
    response = client.generic("POST", path, b"email=a%40example.com&login=a", content_type=content_type)
    assert response.status_code in {200, 302, 400}


def test_a_body_that_is_too_large_is_refused(client):
    response = client.post(LOGIN, b"login=" + b"x" * 3_000_000, content_type=FORM)
    assert response.status_code == 400


@pytest.mark.parametrize("path", [LOGIN, SIGNUP, RESET, CONFIRM])
@pytest.mark.parametrize(
    "query", ["next=%00", "next=%ff", "next=" + "x" * 4000, "next=/&next=//e", "email=%00", "email=x"]
)
def test_strange_queries(client, path, query):
    assert client.get(f"{path}?{query}").status_code in {200, 302}


@pytest.mark.parametrize("path", FORMS)
def test_a_post_without_the_token_is_refused(path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(AccountFactory())
    response = client.post(path, {"next": "/"})
    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "value", ['"\\000aaaaaaaaaaaa"', "aaaaaaaaaaaaaaaa", "x" * 4000, "%00aaaaaaaaaaa", '"\\377\\377aaaaaaaaaa"']
)
@pytest.mark.parametrize("path", [LOGIN, "/account/", "/"])
def test_a_forged_session_cookie_is_a_guests(client, path, value):
    client.defaults["HTTP_COOKIE"] = f"sessionid={value}"
    assert client.get(path).status_code in {200, 302}
