import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.models import User
from quotas.models import Allowance
from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import CONFIRM, SIGNUP, is_logged_in, mailed_code, path_of, sign_up

pytestmark = pytest.mark.django_db


def test_a_guest_registers_with_the_mailed_code(client):
    response = sign_up(client, "New@Example.com")
    assert path_of(response) == CONFIRM
    assert not is_logged_in(client)

    response = client.post(CONFIRM, {"code": mailed_code()})

    assert path_of(response) == "/"
    assert is_logged_in(client)
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("new@example.com", True, True)]


def test_the_page_says_what_the_reader_gets(client, settings):
    page = client.get(SIGNUP).content.decode()
    assert "5 more code pages a month" in page
    assert "You will come back" not in page


def test_the_page_names_the_code_that_the_reader_will_come_back_to(client):
    page = client.get(SIGNUP, {"next": "/cpt/38570/#indications"}).content.decode()
    assert "You will come back to CPT® 38570." in page


@pytest.mark.parametrize(
    "next_url", ["/codes/", "//cpt/38570/", "https://evil.example/cpt/38570/", "/no/such/page/at/all/"]
)
def test_no_place_is_named_for_other_addresses(client, next_url):
    assert "You will come back" not in client.get(SIGNUP, {"next": next_url}).content.decode()


def test_an_account_that_is_logged_in_is_sent_on(client):
    client.force_login(AccountFactory())
    assert client.get(SIGNUP, {"next": "/codes/"})["Location"] == "/codes/"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "no address"}, "Enter a valid email address."),
        ({"email": ""}, "This field is required."),
        ({"password1": "short", "password2": "short"}, "at least 10 characters"),
        ({"password1": "1234567890123", "password2": "1234567890123"}, "entirely numeric"),
        ({"password2": "another long password"}, "the same password each time"),
        ({"password1": "x" * 300, "password2": "x" * 300}, "at most 256 characters"),
        ({"email": "a\x00b@example.com"}, "Null characters are not allowed."),
        ({"password1": "a\x00 long password", "password2": "a\x00 long password"}, "Null characters are not allowed."),
        ({"email": "somebody@mailinator.com"}, "throw-away address"),
        ({"email": "somebody@mail.mailinator.com"}, "throw-away address"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(client, fields, sentence):
    data = {"email": "new@example.com", "password1": "a long password", "password2": "a long password", **fields}
    response = client.post(SIGNUP, data)
    page = response.content.decode()
    assert response.status_code == 200
    assert sentence in page
    assert page.count("autofocus") == 1
    assert 'role="alert"' in page
    assert 'aria-invalid="true"' in page
    assert not User.objects.exists()
    assert not mail.outbox


def test_fields_tell_password_managers_what_they_are(client):
    page = client.get(SIGNUP).content.decode()
    assert 'type="email" name="email" autocomplete="email"' in page
    assert page.count('autocomplete="new-password"') == 2


@pytest.mark.parametrize("second", ["jane.doe@gmail.com", "J.A.N.E.D.O.E+2@googlemail.com", "JaneDoe@gmail.com"])
def test_another_spelling_of_a_registered_mailbox_makes_no_second_account(client, second):
    AccountFactory(email="janedoe@gmail.com")

    assert path_of(sign_up(client, second)) == CONFIRM

    assert User.objects.count() == 1
    (message,) = mail.outbox
    assert message.to == ["janedoe@gmail.com"]  # the owner, at the address of the account
    assert message.subject == "You have a Coding Ahead account already"
    assert second.lower() in message.body
    assert not is_logged_in(client)


def test_registering_the_same_mailbox_twice_at_once_is_no_error(client, monkeypatch):
    """The second of two simultaneous requests has passed the check when the first one has inserted its row."""
    AccountFactory(email="janedoe@gmail.com")
    from accounts.forms import SignupForm

    monkeypatch.setattr(SignupForm, "validate_unique_email", lambda form, value: value)
    assert path_of(sign_up(client, "jane.doe@gmail.com")) == CONFIRM
    assert User.objects.count() == 1
    assert mail.outbox[0].subject == "You have a Coding Ahead account already"


def test_a_mail_server_that_is_down_is_no_error(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert path_of(sign_up(client, "new@example.com")) == CONFIRM


def test_a_different_address_can_be_given_and_the_way_back_is_kept(client):
    sign_up(client, "typo@example.com", next="/cpt/38570/#indications")
    page = client.get(CONFIRM + "?next=/cpt/38570/%23indications").content.decode()
    assert 'name="next" value="/accounts/signup/?next=%2Fcpt%2F38570%2F%23indications"' in page

    response = client.post("/accounts/logout/", {"next": "/accounts/signup/?next=%2Fcpt%2F38570%2F%23indications"})

    assert client.get(response["Location"]).status_code == 200
    sign_up(client, "right@example.com", next="/cpt/38570/#indications")
    response = client.post(CONFIRM, {"code": mailed_code()})
    assert response["Location"] == "/cpt/38570/#indications"


def test_signing_up_creates_no_allowance_for_a_guest_who_opened_nothing(client):
    sign_up(client, "new@example.com")
    assert not Allowance.objects.exists()
