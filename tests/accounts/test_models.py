import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from accounts.models import User
from tests.accounts.factories import AccountFactory

pytestmark = pytest.mark.django_db


def test_two_spellings_of_one_mailbox_cannot_have_two_accounts():
    User.objects.create_user("jane.doe@gmail.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("janedoe+codes@googlemail.com")


def test_an_address_is_stored_in_lower_case():
    assert User.objects.create_user("Jane@Example.COM").email == "jane@example.com"


def test_the_database_refuses_an_address_in_another_case():
    user = AccountFactory()
    with pytest.raises(IntegrityError, match="user_email_is_lower_case"), transaction.atomic():
        User.objects.filter(pk=user.pk).update(email="Jane@Example.com")


def test_the_mailbox_key_follows_when_the_address_alone_is_saved():
    user = AccountFactory()
    user.email = "New.Name+x@gmail.com"
    user.save(update_fields=["email"])
    user.refresh_from_db()
    assert (user.email, user.email_key) == ("new.name+x@gmail.com", "newname@gmail.com")


def test_an_account_without_an_address_is_refused():
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("")


def test_a_superuser_made_in_a_shell_can_log_in_before_mail_works(client):
    User.objects.create_superuser("Root@Example.com", "a long enough password")
    assert EmailAddress.objects.get().verified
    response = client.post("/accounts/login/", {"login": "root@example.com", "password": "a long enough password"})
    assert response.status_code == 302
    assert client.get("/account/").status_code == 200
