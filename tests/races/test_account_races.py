"""Simultaneous sign-ups for one mailbox make one account; simultaneous guesses at a code are bounded.

Each has a control without our part, so we know that the test can bite.
"""

import time
from functools import partial
from typing import Any

import pytest
from allauth.account import forms as allauth_forms
from django.db import IntegrityError
from django.test import Client

from accounts.forms import SignupForm
from accounts.models import User
from tests.accounts.helpers import CONFIRM, mailed_code, sign_up
from tests.races.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DOMAINS = ["gmail.com", "googlemail.com"]
SPELLINGS = [f"{name}@{domain}" for name in ["janedoe", "jane.doe", "j.anedoe", "janedoe+a"] for domain in DOMAINS]
GUESSES = 30


def register(number: int, address: str) -> str:
    try:
        return str(sign_up(Client(REMOTE_ADDR=f"192.0.2.{number}"), address)["Location"])
    except IntegrityError:
        return "error"


@pytest.fixture
def slow_check(monkeypatch):
    """Everybody has looked before anybody writes."""
    check = SignupForm.validate_unique_email

    def slowly(form: SignupForm, value: str) -> str:
        result = check(form, value)
        time.sleep(0.5)
        return result

    monkeypatch.setattr(SignupForm, "validate_unique_email", slowly)


def test_simultaneous_sign_ups_of_one_mailbox_make_one_account_and_look_alike(slow_check):
    answers = at_once([partial(register, number, address) for number, address in enumerate(SPELLINGS)])
    assert set(answers) == {CONFIRM}
    assert User.objects.count() == 1


def test_the_control_allauths_own_sign_up_fails_with_an_error(slow_check, monkeypatch):
    monkeypatch.setattr(SignupForm, "try_save", allauth_forms.SignupForm.try_save)
    answers = at_once([partial(register, number, address) for number, address in enumerate(SPELLINGS)])
    assert "error" in answers
    assert User.objects.count() == 1


def guesses_looked_at(client: Client, monkeypatch: Any) -> int:
    """How many of many simultaneous guesses in one session are compared with the code."""
    sign_up(client, "new@example.com")
    mailed_code()
    cookie = client.cookies["sessionid"].value
    compared = []

    def compare(*, actual: str, expected: str) -> bool:
        compared.append(actual)
        time.sleep(1)  # nobody has written the number of tries before everybody has read it
        return False

    monkeypatch.setattr(allauth_forms, "compare_user_code", compare)

    def guess(number: int) -> None:
        guesser = Client(REMOTE_ADDR=f"192.0.2.{number}")
        guesser.cookies["sessionid"] = cookie
        guesser.post(CONFIRM, {"code": f"{number:06}"})

    at_once([partial(guess, number) for number in range(GUESSES)])
    return len(compared)


def test_simultaneous_guesses_at_a_code_are_bounded(client, monkeypatch):
    assert guesses_looked_at(client, monkeypatch) <= 10


def test_the_control_without_our_limit_simultaneous_guesses_are_not(client, monkeypatch, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"enter_code": None}
    assert guesses_looked_at(client, monkeypatch) > 10
