import pytest
from django.core import mail
from django.test import Client

from tests.accounts.factories import PASSWORD, AccountFactory
from tests.accounts.helpers import LOGIN, is_logged_in, log_in, path_of

pytestmark = pytest.mark.django_db
CHANGE, SET = "/accounts/password/change/", "/accounts/password/set/"
NEW = {"oldpassword": PASSWORD, "password1": "quite another secret", "password2": "quite another secret"}


def test_a_guest_is_asked_to_log_in(client):
    assert path_of(client.get(CHANGE)) == LOGIN
    assert path_of(client.post(CHANGE, NEW)) == LOGIN


def test_the_password_changes_and_other_sessions_end(client):
    AccountFactory(email="reader@example.com")
    elsewhere = Client()
    log_in(elsewhere, "reader@example.com")
    log_in(client, "reader@example.com")
    assert path_of(client.post(CHANGE, NEW)) == "/account/"
    assert is_logged_in(client)
    assert not is_logged_in(elsewhere)
    assert mail.outbox[0].subject == "Your Coding Ahead password was changed"
    assert path_of(log_in(Client(), "reader@example.com", NEW["password1"])) == "/"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"oldpassword": "wrong"}, "This is not your current password."),
        ({"password2": "not the same secret"}, "the same password each time"),
        ({"password1": "password123", "password2": "password123"}, "too common"),
        ({"password1": "x" * 1_000_000, "password2": "x"}, "at most 256 characters"),
        ({"oldpassword": "\x00"}, "Null characters are not allowed."),
    ],
)
def test_bad_input_is_answered_with_a_sentence(client, fields, sentence):
    client.force_login(AccountFactory())
    response = client.post(CHANGE, {**NEW, **fields})
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not mail.outbox


def test_an_account_made_by_an_editor_sets_its_first_password(client):
    user = AccountFactory()
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    assert path_of(client.get(CHANGE)) == SET
    assert path_of(client.post(SET, NEW)) == "/account/"
    user.refresh_from_db()
    assert user.check_password(NEW["password1"])
    assert mail.outbox[0].subject == "Your Coding Ahead account has a password"
