"""Whole answers, not just their status, are the same for an address that has an account and one that has none."""

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import (
    CONFIRM,
    EMAIL,
    LOGIN,
    RESET,
    RESET_CODE,
    SIGNUP,
    anonymous,
    log_in,
    mailed_code,
    sign_up,
)

pytestmark = pytest.mark.django_db

KNOWN = "known@example.com"
OTHER = "other@example.com"  # as long as the known one, and replaced by it before answers are compared


@pytest.fixture
def owner() -> User:
    return AccountFactory(email=KNOWN)


@pytest.fixture(params=["verified", "waiting", "locked", "other spelling"])
def known(request) -> str:
    """An address that is taken, in each way that it can be."""
    if request.param == "other spelling":
        AccountFactory(email="known@gmail.com")
        return "kno.wn@gmail.com"
    AccountFactory(email=KNOWN, verified=request.param != "waiting", is_active=request.param != "locked")
    return KNOWN


def both(known: str, *steps) -> tuple[list[str], list[str]]:
    """What two strangers see, step by step, one of whom gives a known address."""
    seen: list[list[str]] = []
    for address in (known, "x" * known.index("@") + "@example.com"):
        client = Client(REMOTE_ADDR=f"192.0.2.{len(seen) + 1}")
        seen.append([anonymous(step(client, address)).replace(address, "ADDRESS") for step in steps])
    return seen[0], seen[1]


def wrong_code(client, address):
    return client.post(CONFIRM, {"code": "not it"})


def test_registering_looks_the_same(known):
    known_answers, unknown_answers = both(
        known,
        lambda client, address: client.get(SIGNUP),
        lambda client, address: sign_up(client, address, next="/cpt/38570/"),
        lambda client, address: client.get(CONFIRM + "?next=/cpt/38570/"),
        lambda client, address: client.post(CONFIRM, {"action": "resend"}),
        lambda client, address: client.post(CONFIRM, {"action": "change", "email": "third@example.com"}),
        wrong_code,
        lambda client, address: client.get(CONFIRM),
        lambda client, address: client.get(SIGNUP),
        lambda client, address: client.get(LOGIN),
        wrong_code,
        lambda client, address: client.get(LOGIN),
    )
    assert known_answers == unknown_answers
    assert "six-digit code" in known_answers[2]


def test_going_back_and_forth_while_registering_looks_the_same(known):
    known_answers, unknown_answers = both(
        known,
        lambda client, address: sign_up(client, address),
        lambda client, address: client.get(LOGIN),
        lambda client, address: client.get(CONFIRM),
        wrong_code,
        lambda client, address: log_in(client, address, "wrong password"),
        lambda client, address: client.get(CONFIRM),
    )
    assert known_answers == unknown_answers


def test_leaving_the_code_page_looks_the_same(known):
    known_answers, unknown_answers = both(
        known,
        lambda client, address: sign_up(client, address),
        lambda client, address: client.post("/accounts/logout/", {"next": SIGNUP}),
        lambda client, address: client.get(CONFIRM),
        lambda client, address: client.post(CONFIRM, {"action": "resend"}),
        wrong_code,
    )
    assert known_answers == unknown_answers


def test_registering_with_a_bad_password_looks_the_same(known):
    known_answers, unknown_answers = both(known, lambda client, address: sign_up(client, address, "short"))
    assert known_answers == unknown_answers


def test_a_wrong_password_looks_the_same(known):
    known_answers, unknown_answers = both(
        known, *[lambda client, address: log_in(client, address, "wrong password")] * 7
    )
    assert known_answers == unknown_answers
    assert "Too many attempts" in known_answers[-1]


def test_asking_for_a_new_password_looks_the_same(known):
    def code(client, address):
        return client.post(RESET_CODE, {"code": "000 000"})

    known_answers, unknown_answers = both(
        known,
        lambda client, address: client.post(RESET, {"email": address}),
        lambda client, address: client.get(RESET_CODE),
        code,
        lambda client, address: client.get(RESET_CODE),
        code,
        code,
        lambda client, address: client.get(RESET_CODE),
        *[lambda client, address: client.post(RESET, {"email": address})] * 6,
    )
    assert known_answers == unknown_answers
    assert known_answers[-1].startswith("429")


def test_an_unknown_address_gets_no_mail_about_a_password(client):
    client.post(RESET, {"email": OTHER})
    assert not mail.outbox


def test_changing_to_a_taken_address_looks_like_changing_to_a_free_one(owner):
    answers: list[list[str]] = []
    for address in (KNOWN, "x" * 5 + "@example.com"):
        client = Client(REMOTE_ADDR=f"192.0.2.{len(answers) + 1}")
        AccountFactory(email=f"me{len(answers)}@example.com")
        log_in(client, f"me{len(answers)}@example.com")
        client.post("/accounts/reauthenticate/", {"password": "a long enough password"})
        steps = [
            client.post(EMAIL, {"email": address, "action_add": "1"}),
            client.get(CONFIRM),
            client.post(CONFIRM, {"code": "not it"}),
        ]
        answers.append([anonymous(step).replace(address, "A").replace(f"me{len(answers)}@", "me@") for step in steps])
    assert answers[0] == answers[1]
    assert {message.to[0] for message in mail.outbox[-2:]} == {KNOWN, "xxxxx@example.com"}


def test_who_reads_the_mailbox_of_a_taken_address_still_cannot_have_two_accounts(client, owner):
    AccountFactory(email="me@example.com")
    log_in(client, "me@example.com")
    client.post("/accounts/reauthenticate/", {"password": "a long enough password"})
    client.post(EMAIL, {"email": KNOWN, "action_add": "1"})
    response = client.post(CONFIRM, {"code": mailed_code()})
    assert "Another account has this address already." in response.content.decode()
    assert User.objects.filter(email="me@example.com").exists()
