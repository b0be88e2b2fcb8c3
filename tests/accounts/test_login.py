import pytest
from django.core import mail

from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import LOGIN, is_logged_in, log_in, path_of

pytestmark = pytest.mark.django_db


def test_an_account_logs_in_with_address_and_password(client):
    AccountFactory(email="reader@example.com")
    assert path_of(log_in(client, "Reader@Example.com ")) == "/"
    assert is_logged_in(client)


def test_the_session_ends_with_the_browser_unless_the_reader_wants_to_stay(client):
    AccountFactory(email="reader@example.com")
    response = log_in(client, "reader@example.com")
    assert response.cookies["sessionid"]["max-age"] == ""
    client.logout()
    response = log_in(client, "reader@example.com", remember="on")
    assert response.cookies["sessionid"]["max-age"] == 14 * 24 * 60 * 60


@pytest.mark.parametrize(
    "data",
    [
        {"login": "reader@example.com", "password": "wrong"},
        {"login": "stranger@example.com", "password": "wrong"},
        {"login": "not an address", "password": "x"},
        {"login": "", "password": ""},
        {"login": "a\x00b@example.com", "password": "x\x00"},
        {"login": "reader@example.com", "password": "x" * 1_000_000},
        {"login": "x" * 1_000_000 + "@example.com", "password": "x"},
        {},
    ],
)
def test_bad_input_is_answered_with_a_sentence(client, data):
    AccountFactory(email="reader@example.com")
    response = client.post(LOGIN, data)
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()
    assert not is_logged_in(client)


def test_the_sixth_wrong_password_for_an_address_is_refused_and_so_is_the_right_one(client):
    AccountFactory(email="reader@example.com")
    for _ in range(5):
        log_in(client, "reader@example.com", "wrong")
    response = log_in(client, "reader@example.com")
    assert "Too many attempts" in response.content.decode()
    assert not is_logged_in(client)


def test_successful_log_ins_do_not_use_the_limit_up(client):
    AccountFactory(email="reader@example.com")
    for _ in range(7):
        assert path_of(log_in(client, "reader@example.com")) == "/"
        client.post("/accounts/logout/")


def test_a_locked_account_cannot_log_in(client):
    AccountFactory(email="reader@example.com", is_active=False)
    response = log_in(client, "reader@example.com")
    assert path_of(response) == "/accounts/inactive/"
    assert "locked" in client.get("/accounts/inactive/").content.decode()
    assert not is_logged_in(client)


def test_logging_out_needs_a_post(client):
    AccountFactory(email="reader@example.com")
    log_in(client, "reader@example.com")
    assert "Do you want to log out" in client.get("/accounts/logout/").content.decode()
    assert is_logged_in(client)
    assert path_of(client.post("/accounts/logout/")) == "/"
    assert not is_logged_in(client)


def test_an_accept_header_does_not_turn_the_page_into_data(client):
    for headers in [{"accept": "application/json"}, {"x-requested-with": "XMLHttpRequest"}]:
        assert client.get(LOGIN, headers=headers)["Content-Type"].startswith("text/html")


def test_there_is_no_log_in_by_mailed_code_alone(client):
    AccountFactory(email="reader@example.com")
    assert path_of(client.get("/accounts/login/code/confirm/")) == LOGIN
    assert client.get("/accounts/login/code/").status_code == 404
    assert not mail.outbox
