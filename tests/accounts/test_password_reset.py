import datetime

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import (
    LOGIN,
    RESET,
    RESET_CODE,
    RESET_PASSWORD,
    is_logged_in,
    log_in,
    mailed_code,
    path_of,
)

pytestmark = pytest.mark.django_db
NEW = {"password1": "quite another secret", "password2": "quite another secret"}


def test_a_mailed_code_lets_the_reader_choose_a_new_password_and_logs_in(client):
    AccountFactory(email="reader@example.com")
    assert path_of(client.post(RESET, {"email": "Reader@Example.com"})) == RESET_CODE
    assert path_of(client.post(RESET_CODE, {"code": mailed_code()})) == RESET_PASSWORD
    assert path_of(client.post(RESET_PASSWORD, NEW)) == "/"
    assert is_logged_in(client)
    assert mail.outbox[-1].subject == "Your Coding Ahead password was changed"
    assert log_in(Client(), "reader@example.com").status_code == 200
    assert path_of(log_in(Client(), "reader@example.com", NEW["password1"])) == "/"


def test_choosing_a_new_password_ends_every_other_session(client):
    AccountFactory(email="reader@example.com")
    elsewhere = Client()
    log_in(elsewhere, "reader@example.com")
    client.post(RESET, {"email": "reader@example.com"})
    client.post(RESET_CODE, {"code": mailed_code()})
    client.post(RESET_PASSWORD, NEW)
    assert not is_logged_in(elsewhere)


def test_the_code_also_verifies_an_address_that_was_never_verified(client):
    """Somebody else registered this address; the owner of the mailbox takes the account over."""
    AccountFactory(email="reader@example.com", verified=False)
    client.post(RESET, {"email": "reader@example.com"})
    client.post(RESET_CODE, {"code": mailed_code()})
    client.post(RESET_PASSWORD, NEW)
    assert is_logged_in(client)
    assert EmailAddress.objects.get().verified


def test_the_code_is_asked_for_before_the_password(client):
    AccountFactory(email="reader@example.com")
    assert path_of(client.get(RESET_PASSWORD)) == RESET
    assert path_of(client.get(RESET_CODE)) == LOGIN
    client.post(RESET, {"email": "reader@example.com"})
    assert path_of(client.post(RESET_PASSWORD, NEW)) == RESET_CODE


def test_a_code_belongs_to_the_browser_that_asked_for_it():
    AccountFactory(email="reader@example.com")
    asking, other = Client(), Client()
    asking.post(RESET, {"email": "reader@example.com"})
    code = mailed_code()
    other.post(RESET, {"email": "reader@example.com"})
    if mailed_code() != code:
        assert other.post(RESET_CODE, {"code": code}).status_code == 200


def test_three_wrong_codes_end_it(client):
    AccountFactory(email="reader@example.com")
    client.post(RESET, {"email": "reader@example.com"})
    for _ in range(2):
        assert client.post(RESET_CODE, {"code": "wrong"}).status_code == 200
    assert path_of(client.post(RESET_CODE, {"code": "wrong"})) == LOGIN
    assert path_of(client.post(RESET_CODE, {"code": mailed_code()})) == LOGIN


def test_the_code_runs_out_after_half_an_hour(client):
    AccountFactory(email="reader@example.com")
    client.post(RESET, {"email": "reader@example.com"})
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=31)):
        assert path_of(client.post(RESET_CODE, {"code": mailed_code()})) == LOGIN


@pytest.mark.parametrize(
    "data",
    [
        {"password1": "short", "password2": "short"},
        {"password1": "quite another secret", "password2": "not the same secret"},
        {"password1": "reader@example.com", "password2": "reader@example.com"},
        {"password1": "x\x00xxxxxxxxxxx", "password2": "x\x00xxxxxxxxxxx"},
        {},
    ],
)
def test_a_bad_new_password_is_answered_with_a_sentence(client, data):
    AccountFactory(email="reader@example.com")
    client.post(RESET, {"email": "reader@example.com"})
    client.post(RESET_CODE, {"code": mailed_code()})
    response = client.post(RESET_PASSWORD, data)
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()
    assert not is_logged_in(client)


@pytest.mark.parametrize("address", ["", "nobody", "a\x00b@example.com", "x" * 1_000_000])
def test_a_bad_address_is_answered_with_a_sentence(client, address):
    response = client.post(RESET, {"email": address})
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_an_account_whose_domain_became_a_throw_away_one_can_still_get_in(client):
    AccountFactory(email="reader@mailinator.com")
    client.post(RESET, {"email": "reader@mailinator.com"})
    assert path_of(client.post(RESET_CODE, {"code": mailed_code()})) == RESET_PASSWORD


def test_an_address_is_sent_five_codes_an_hour_at_most(client):
    AccountFactory(email="reader@example.com")
    for _ in range(5):
        client.post(RESET, {"email": "reader@example.com"})
    response = client.post(RESET, {"email": "reader@example.com"})
    assert response.status_code == 429
    assert "One moment, please" in response.content.decode()
    assert len(mail.outbox) == 5


def test_the_old_addresses_of_links_in_mails_do_not_exist(client):
    assert client.get("/accounts/password/reset/key/1-set-password/").status_code == 404
    assert client.get("/accounts/confirm-email/abc/").status_code == 404


def test_an_account_deleted_in_between_gets_no_password(client):
    AccountFactory(email="reader@example.com")
    client.post(RESET, {"email": "reader@example.com"})
    code = mailed_code()
    other = Client(REMOTE_ADDR="192.0.2.9")
    other.post(RESET, {"email": "reader@example.com"})
    other.post(RESET_CODE, {"code": mailed_code()})
    User.objects.all().delete()
    assert "This is not the code" in client.post(RESET_CODE, {"code": code}).content.decode()
    assert "has just been deleted" in other.post(RESET_PASSWORD, NEW).content.decode()
