import json

import pytest

from accounts.models import User
from codes.actions import report_error
from quotas.models import Allowance
from quotas.readers import account_key
from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import LOGIN, log_in, path_of
from tests.factories import EditorFactory

pytestmark = pytest.mark.django_db
DOWNLOAD = "/account/data/"


def opened(user: User, *items: str) -> Allowance:
    return Allowance.objects.create(
        reader_key=account_key(user),
        meter="code_page",
        window_start="2026-11-01",
        created_on="2026-11-02",
        opened=list(items),
    )


def test_a_guest_is_asked_to_log_in(client):
    assert path_of(client.get(DOWNLOAD)) == LOGIN


def test_the_file_holds_what_every_app_knows_about_the_reader(client):
    user = AccountFactory(email="reader@example.com")
    opened(user, "cpt:38570")
    report_error(path="/cpt/38570/", message="A typo", caller="x", reporter=user, email="private@example.com")
    log_in(client, "reader@example.com")

    response = client.get(DOWNLOAD)

    assert response["Content-Disposition"] == 'attachment; filename="coding-ahead-account.json"'
    assert "no-store" in response["Cache-Control"]
    data = json.loads(response.content)
    assert data["account"]["email"] == "reader@example.com"
    assert data["addresses"] == [{"email": "reader@example.com", "verified": True, "primary": True}]
    assert [session["ip"] for session in data["sessions"]] == ["127.0.0.1"]
    assert data["usage"]["openings"][0]["opened"] == ["cpt:38570"]
    assert data["reference"]["error_reports"][0]["message"] == "A typo"


def test_it_holds_nothing_of_anybody_else_and_no_secret(client):
    stranger = AccountFactory(email="stranger@example.com")
    opened(stranger, "cpt:99213")
    report_error(path="/", message="Theirs", caller="x", reporter=stranger)
    user = AccountFactory(email="reader@example.com")
    log_in(client, "reader@example.com")
    text = client.get(DOWNLOAD).content.decode()
    for secret in ["stranger@example.com", "99213", "Theirs", user.password, client.session.session_key]:
        assert secret not in text


def test_every_table_that_names_an_account_is_in_the_file_or_known_not_to_need_it():
    """A new table with a reader in it must be added to the export, or here with a reason."""
    exported = {
        "account.EmailAddress",
        "usersessions.UserSession",
        "codes.ErrorReport",
        "quotas.AllowanceOverride",
        "quotas.MoreRequest",
    }
    not_the_readers_own = {
        "admin.LogEntry",  # what an editor did, kept for the other editors
        "codes.DescriptorOverride",  # an editor's work, public on the page
        "codes.HistoricalDescriptorOverride",
        "codes.HistoricalEntry",
        "codes.HistoricalSection",
        "releases.Edition",  # who imported or published it
        "accounts.User_groups",  # in the file as the names of the groups
        "accounts.User_user_permissions",
    }
    fields = User._meta.get_fields(include_hidden=True)
    naming = {
        field.related_model._meta.label  # type: ignore[union-attr]
        for field in fields
        if field.auto_created and field.is_relation
    }
    assert "codes.ErrorReport" in naming
    assert naming <= exported | not_the_readers_own


def test_an_editors_file_names_the_groups(client):
    client.force_login(EditorFactory())
    assert json.loads(client.get(DOWNLOAD).content)["account"]["groups"] == ["Editors"]
