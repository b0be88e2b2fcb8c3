"""What several journeys do: register, read the mailed code, log in."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.core import mail
from django.test import Client

from tests.factories import PASSWORD

LOGIN = "/accounts/login/"
SIGNUP = "/accounts/signup/"
CONFIRM = "/accounts/confirm-email/"
RESET = "/accounts/password/reset/"
RESET_CODE = "/accounts/password/reset/confirm/"
RESET_PASSWORD = "/accounts/password/reset/complete/"
EMAIL = "/accounts/email/"
SESSIONS = "/accounts/sessions/"


def mailed_code() -> str:
    """The code in the newest mail."""
    found = re.fullmatch(r"(\d{6}) is your Coding Ahead code", str(mail.outbox[-1].subject))
    assert found, mail.outbox[-1].subject
    return found[1]


def sign_up(client: Client, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post(SIGNUP, {"email": email, "password1": password, "password2": password, **more})


def log_in(client: Client, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post(LOGIN, {"login": email, "password": password, **more})


def is_logged_in(client: Client) -> bool:
    return bool(client.get("/account/").status_code == 200)


def path_of(response: Any) -> str:
    """Where a redirect leads, without its query."""
    assert response.status_code == 302, response.status_code
    return str(urlsplit(response["Location"]).path)


def anonymous(response: Any) -> str:
    """A response's text without what differs from one request to the next."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", response.content.decode())
    headers = {name: value for name, value in response.headers.items() if name not in {"Content-Length", "Expires"}}
    cookies = sorted(response.cookies.keys())
    return f"{response.status_code} {headers} {cookies}\n{text}"
