import datetime

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.presenters import browser_in_words
from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import LOGIN, SESSIONS, is_logged_in, log_in, path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def elsewhere() -> Client:
    """The reader's other browser."""
    AccountFactory(email="reader@example.com")
    client = Client(REMOTE_ADDR="192.0.2.7", headers={"user-agent": "<b>Netscape</b>"})
    log_in(client, "reader@example.com")
    return client


def test_a_guest_is_asked_to_log_in(client):
    assert path_of(client.get(SESSIONS)) == LOGIN
    assert path_of(client.post(SESSIONS)) == LOGIN


def test_the_page_lists_the_readers_sessions_and_nobody_elses(client, elsewhere):
    AccountFactory(email="stranger@example.com")
    log_in(Client(REMOTE_ADDR="192.0.2.99"), "stranger@example.com")
    log_in(client, "reader@example.com")
    page = client.get(SESSIONS).content.decode()
    assert "192.0.2.7" in page
    assert "an unknown browser" in page
    assert "Netscape" not in page
    assert "192.0.2.99" not in page
    assert page.count("This one") == 1


def test_other_sessions_can_be_ended(client, elsewhere):
    AccountFactory(email="stranger@example.com")
    stranger = Client()
    log_in(stranger, "stranger@example.com")
    log_in(client, "reader@example.com")
    assert path_of(client.post(SESSIONS)) == SESSIONS
    assert is_logged_in(client)
    assert not is_logged_in(elsewhere)
    assert is_logged_in(stranger)
    assert "You are logged in nowhere else." in client.get(SESSIONS).content.decode()


def test_ended_sessions_are_forgotten_by_a_command(client, elsewhere, capsys):
    """allauth forgets them at the next log-in, which for many readers never comes."""
    AccountFactory(email="stranger@example.com")
    log_in(client, "stranger@example.com")
    Session.objects.filter(session_key=client.session.session_key).update(expire_date="2020-01-01T00:00Z")
    elsewhere.post("/accounts/logout/")
    AccountFactory(email="third@example.com")
    log_in(third := Client(), "third@example.com")

    call_command("purge_sessions")

    assert capsys.readouterr().out == "Forgot 2 sessions that had ended and 0 counts of attempts that had run out.\n"
    assert UserSession.objects.get().session_key == third.session.session_key
    assert is_logged_in(third)


def test_counts_of_attempts_are_forgotten_when_they_have_run_out(client, capsys):
    """Their rows name network addresses, and Django's cache table would keep them for ever."""
    client.post(LOGIN, {"login": "reader@example.com", "password": "wrong"})
    call_command("purge_sessions")
    assert " 0 counts" in capsys.readouterr().out
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=6)):
        call_command("purge_sessions")
    assert " 0 counts" not in capsys.readouterr().out
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache WHERE cache_key LIKE '%127.0.0.1%'")
        assert cursor.fetchall() == []


CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/140.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari on an iPhone",
        ),
        ("<b>Netscape</b>", "an unknown browser"),
        ("", "an unknown browser"),
    ],
)
def test_a_browser_is_named_in_words(user_agent, words):
    assert browser_in_words(user_agent) == words
