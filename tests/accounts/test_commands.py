import datetime

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from quotas.models import Allowance, DeletedAllowance
from quotas.readers import account_key
from quotas.windows import today, window_start
from tests.accounts.factories import AccountFactory
from tests.factories import SuperuserFactory

pytestmark = pytest.mark.django_db


def ago(days: int) -> datetime.datetime:
    return timezone.now() - datetime.timedelta(days=days)


def test_old_accounts_that_nobody_verified_go_and_all_others_stay(capsys):
    AccountFactory(email="gone@example.com", verified=False, date_joined=ago(31))
    AccountFactory(email="young@example.com", verified=False, date_joined=ago(29))
    AccountFactory(email="verified@example.com", date_joined=ago(400))
    AccountFactory(email="used@example.com", verified=False, date_joined=ago(400), last_login=ago(300))
    AccountFactory(email="editor@example.com", verified=False, date_joined=ago(400), is_staff=True)
    SuperuserFactory(email="root@example.com", date_joined=ago(400))

    call_command("purge_unverified")

    assert capsys.readouterr().out == "Deleted 1 unverified account older than 30 days.\n"
    left = {"young@example.com", "verified@example.com", "used@example.com", "editor@example.com", "root@example.com"}
    assert set(User.objects.values_list("email", flat=True)) == left


def test_an_account_that_goes_leaves_no_ledger_and_its_address_remembers():
    """Who deletes an account and registers again without entering the code must not be a new reader after a month."""
    account = AccountFactory(email="back@example.com", verified=False, date_joined=ago(31))
    row = {"meter": "code_page", "window_start": window_start("month", today()), "created_on": today()}
    Allowance.objects.create(reader_key=account_key(account), opened=["cpt:38570"], **row)

    call_command("purge_unverified")

    assert not Allowance.objects.exists()
    assert DeletedAllowance.objects.get().opened == ["cpt:38570"]


def test_an_account_that_is_verified_while_others_are_deleted_stays(monkeypatch):
    first, second = AccountFactory.create_batch(2, verified=False, date_joined=ago(31))

    def delete_slowly(*, user):
        EmailAddress.objects.exclude(user=user).update(verified=True)
        user.delete()

    monkeypatch.setattr("accounts.actions.delete_account", delete_slowly)
    call_command("purge_unverified")
    assert User.objects.get() in {first, second}


def test_the_age_can_be_given(capsys):
    AccountFactory.create_batch(2, verified=False, date_joined=ago(8))
    call_command("purge_unverified", "--days", "7")
    assert capsys.readouterr().out == "Deleted 2 unverified accounts older than 7 days.\n"
