import datetime

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from codes.actions import report_error
from codes.models import DescriptorOverride, ErrorReport
from quotas.models import Allowance, DeletedAllowance
from quotas.readers import account_key
from quotas.windows import today, window_start
from tests.accounts.factories import PASSWORD, AccountFactory
from tests.accounts.helpers import CONFIRM, LOGIN, is_logged_in, log_in, mailed_code, path_of, sign_up
from tests.factories import DescriptorOverrideFactory, SuperuserFactory

pytestmark = pytest.mark.django_db
DELETE = "/account/delete/"
REAUTHENTICATE = "/accounts/reauthenticate/"


@pytest.fixture
def reader(client) -> User:
    """Logged in, and has just given the password again."""
    user = AccountFactory(email="reader@example.com")
    log_in(client, user.email)
    client.post(REAUTHENTICATE, {"password": PASSWORD})
    return user


def test_a_guest_is_asked_to_log_in(client):
    assert path_of(client.get(DELETE)) == LOGIN
    assert path_of(client.post(DELETE, {"confirmation": "x"})) == LOGIN


def test_the_password_is_asked_for_first(client):
    AccountFactory(email="reader@example.com")
    log_in(client, "reader@example.com")
    assert path_of(client.get(DELETE)) == REAUTHENTICATE
    response = client.post(DELETE, {"confirmation": "reader@example.com"})
    assert path_of(response) == REAUTHENTICATE
    assert User.objects.exists()


def test_the_password_is_asked_for_again_after_a_while(client, reader):
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=6)):
        assert path_of(client.post(DELETE, {"confirmation": "reader@example.com"})) == REAUTHENTICATE
    assert User.objects.exists()


def test_the_page_says_that_it_cannot_be_undone(client, reader):
    assert "This cannot be undone." in client.get(DELETE).content.decode()


@pytest.mark.parametrize("typed", ["", "yes", "stranger@example.com", "reader@example.com\x00", "x" * 1_000_000])
def test_without_the_right_confirmation_nothing_happens(client, reader, typed):
    response = client.post(DELETE, {"confirmation": typed})
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert is_logged_in(client)


def test_the_account_and_all_that_is_the_readers_own_is_deleted(client, reader):
    elsewhere = Client()
    log_in(elsewhere, "reader@example.com")
    report_error(path="/cpt/38570/", message="A typo", caller="x", reporter=reader, email="other@example.com")
    report_error(path="/cpt/38570/", message="Another", caller="x", email="Reader@example.com")
    AccountFactory(email="stranger@example.com")

    response = client.post(DELETE, {"confirmation": " Reader@Example.com "}, follow=True)

    assert response.redirect_chain == [("/account/deleted/", 302)]
    assert "Your account is deleted" in response.content.decode()
    assert not is_logged_in(client)
    assert not is_logged_in(elsewhere)
    assert [user.email for user in User.objects.all()] == ["stranger@example.com"]
    assert not EmailAddress.objects.filter(email="reader@example.com").exists()
    assert not UserSession.objects.exists()
    assert not any(session.get_decoded().get("_auth_user_id") for session in Session.objects.all())
    assert ErrorReport.objects.filter(reporter=None, email="").count() == 2
    assert mail.outbox[-1].to == ["reader@example.com"]
    assert mail.outbox[-1].subject == "Your Coding Ahead account is deleted"


def test_deleting_and_registering_again_is_no_new_allowance(client, reader):
    start = window_start("month", today())
    Allowance.objects.create(
        reader_key=account_key(reader), meter="code_page", window_start=start, created_on=today(), opened=["cpt:38570"]
    )
    client.post(DELETE, {"confirmation": "reader@example.com"})
    assert not Allowance.objects.exists()
    kept = DeletedAllowance.objects.get()
    assert "reader" not in kept.address_digest

    sign_up(Client(), "Reader@example.com")

    again = User.objects.get(email="reader@example.com")
    assert Allowance.objects.get(reader_key=account_key(again)).opened == ["cpt:38570"]


def test_what_an_editor_wrote_stays_without_its_author(client):
    SuperuserFactory()
    editor = AccountFactory(email="editor@example.com", is_staff=True)
    override = DescriptorOverrideFactory(author=editor)
    log_in(client, editor.email)
    client.post(REAUTHENTICATE, {"password": PASSWORD})
    client.post(DELETE, {"confirmation": editor.email})
    assert DescriptorOverride.objects.get(pk=override.pk).author is None
    assert override.history.first().history_user is None


def test_the_last_superuser_is_refused_with_a_sentence(client):
    SuperuserFactory(is_active=False)
    user = AccountFactory(email="root@example.com", is_staff=True, is_superuser=True)
    log_in(client, user.email)
    client.post(REAUTHENTICATE, {"password": PASSWORD})
    response = client.post(DELETE, {"confirmation": user.email})
    assert "This is the last account that may administer the site." in response.content.decode()
    assert User.objects.filter(pk=user.pk).exists()
    assert is_logged_in(client)

    SuperuserFactory()
    client.post(DELETE, {"confirmation": user.email})
    assert not User.objects.filter(pk=user.pk).exists()


def test_the_same_address_can_register_again(client, reader):
    client.post(DELETE, {"confirmation": "reader@example.com"})
    sign_up(client, "reader@example.com")
    client.post(CONFIRM, {"code": mailed_code()})
    assert is_logged_in(client)
