import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User
from quotas.models import Allowance
from quotas.readers import account_key
from quotas.windows import today, window_start
from tests.accounts.factories import PASSWORD, AccountFactory
from tests.accounts.helpers import CONFIRM, EMAIL, LOGIN, log_in, mailed_code, path_of, sign_up

pytestmark = pytest.mark.django_db
REAUTHENTICATE = "/accounts/reauthenticate/"


@pytest.fixture
def reader(client) -> User:
    """Logged in, and has just given the password again."""
    user = AccountFactory(email="old@example.com")
    log_in(client, user.email)
    client.post(REAUTHENTICATE, {"password": PASSWORD})
    return user


def change_to(client: Client, address: str):
    return client.post(EMAIL, {"email": address, "action_add": "1"})


def test_a_guest_is_asked_to_log_in(client):
    assert path_of(client.get(EMAIL)) == LOGIN
    assert path_of(change_to(client, "new@example.com")) == LOGIN


def test_the_password_is_asked_for_and_the_change_goes_on_after_it(client):
    AccountFactory(email="old@example.com")
    log_in(client, "old@example.com")
    response = change_to(client, "new@example.com")
    assert path_of(response) == REAUTHENTICATE
    assert not mail.outbox
    response = client.post(response["Location"], {"password": PASSWORD, "next": EMAIL})
    assert path_of(response) == CONFIRM
    assert mail.outbox[0].to == ["new@example.com"]


def test_a_wrong_password_changes_nothing(client):
    AccountFactory(email="old@example.com")
    log_in(client, "old@example.com")
    change_to(client, "new@example.com")
    response = client.post(REAUTHENTICATE, {"password": "wrong", "next": EMAIL})
    assert "This is not your password." in response.content.decode()
    assert not mail.outbox


def test_the_address_changes_when_the_code_was_entered_and_not_before(client, reader):
    assert path_of(change_to(client, "New.Address@gmail.com")) == CONFIRM
    reader.refresh_from_db()
    assert reader.email == "old@example.com"

    assert path_of(client.post(CONFIRM, {"code": mailed_code()})) == "/account/"

    reader.refresh_from_db()
    assert (reader.email, reader.email_key) == ("new.address@gmail.com", "newaddress@gmail.com")
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(reader.email, True, True)]
    assert log_in(Client(), "old@example.com").status_code == 200
    assert path_of(log_in(Client(), "new.address@gmail.com")) == "/"


def test_the_old_address_is_no_new_allowance(client, reader):
    start = window_start("month", today())
    Allowance.objects.create(
        reader_key=account_key(reader), meter="code_page", window_start=start, created_on=today(), opened=["cpt:38570"]
    )
    change_to(client, "new@example.com")
    client.post(CONFIRM, {"code": mailed_code()})

    sign_up(Client(), "old@example.com")

    newcomer = User.objects.get(email="old@example.com")
    assert Allowance.objects.get(reader_key=account_key(newcomer)).opened == ["cpt:38570"]
    assert Allowance.objects.get(reader_key=account_key(reader)).opened == ["cpt:38570"]


def test_the_old_address_is_told(client, reader):
    change_to(client, "new@example.com")
    client.post(CONFIRM, {"code": mailed_code()})
    assert mail.outbox[-1].to == ["old@example.com"]
    assert mail.outbox[-1].subject == "The address of your Coding Ahead account was changed"
    assert "from old@example.com to new@example.com" in mail.outbox[-1].body


def test_another_spelling_of_the_own_mailbox_is_fine(client):
    user = AccountFactory(email="janedoe@gmail.com")
    log_in(client, user.email)
    client.post(REAUTHENTICATE, {"password": PASSWORD})
    change_to(client, "jane.doe@gmail.com")
    client.post(CONFIRM, {"code": mailed_code()})
    user.refresh_from_db()
    assert user.email == "jane.doe@gmail.com"


def test_another_spelling_of_a_strangers_mailbox_is_not(client, reader):
    AccountFactory(email="janedoe@gmail.com")
    assert path_of(change_to(client, "jane.doe@gmail.com")) == CONFIRM
    response = client.post(CONFIRM, {"code": mailed_code()})
    assert "Another account has this address already." in response.content.decode()
    reader.refresh_from_db()
    assert reader.email == "old@example.com"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "This field is required."),
        ("nobody", "Enter a valid email address."),
        ("a\x00b@example.com", "Null characters are not allowed."),
        ("old@example.com", "This is the address of your account already."),
        ("me@mailinator.com", "throw-away address"),
        ("x" * 1_000_000 + "@example.com", "at most 320 characters"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(client, reader, address, sentence):
    response = change_to(client, address)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not mail.outbox


@pytest.mark.parametrize("action", ["action_send", "action_remove", "action_primary", "action_none"])
def test_what_the_page_does_not_offer_changes_nothing(client, reader, action):
    client.post(EMAIL, {"email": "old@example.com", action: "1"})
    client.post(EMAIL, {"email": "a\x00b@example.com", action: "1"})
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("old@example.com", True, True)]


def test_the_code_page_can_be_left(client, reader):
    change_to(client, "new@example.com")
    assert f'<a href="{EMAIL}">Cancel</a>' in client.get(CONFIRM).content.decode()
