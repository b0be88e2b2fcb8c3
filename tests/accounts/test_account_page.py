import pytest

from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import LOGIN, path_of
from tests.factories import EditorFactory

pytestmark = pytest.mark.django_db


def test_a_guest_is_asked_to_log_in(client):
    assert path_of(client.get("/account/")) == LOGIN


def test_it_shows_the_account_and_leads_to_everything_about_it(client):
    user = AccountFactory(email="reader@example.com", date_joined="2026-02-03T12:00Z")
    AccountFactory(email="stranger@example.com")
    client.force_login(user)
    page = client.get("/account/").content.decode()
    assert "reader@example.com" in page
    assert "3 February 2026" in page
    assert "stranger@example.com" not in page
    assert "editing room" not in page
    for path in [
        "/accounts/email/",
        "/accounts/password/change/",
        "/accounts/sessions/",
        "/account/data/",
        "/account/delete/",
    ]:
        assert f'href="{path}"' in page
        assert client.get(path).status_code in {200, 302}


def test_an_editor_finds_the_editing_room(client):
    client.force_login(EditorFactory())
    assert 'href="/admin/"' in client.get("/account/").content.decode()


def test_it_is_never_kept_by_a_cache(client):
    client.force_login(AccountFactory())
    assert "no-store" in client.get("/account/")["Cache-Control"]


def test_it_can_only_be_looked_at(client):
    client.force_login(AccountFactory())
    assert client.post("/account/").status_code == 405


def test_the_bare_accounts_address_leads_here(client):
    assert path_of(client.get("/accounts/")) == "/account/"


@pytest.mark.parametrize("extra", [0, 12])
def test_it_costs_the_same_however_many_accounts_there_are(client, extra, django_assert_max_num_queries):
    user = AccountFactory()
    AccountFactory.create_batch(extra)
    client.force_login(user)
    with django_assert_max_num_queries(4):
        client.get("/account/")
