"""The page that asks for the mailed code, as a new account and as a stranger meet it."""

import datetime

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import User
from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import CONFIRM, LOGIN, is_logged_in, log_in, mailed_code, path_of, sign_up

pytestmark = pytest.mark.django_db


def test_without_anything_to_confirm_the_page_leads_to_log_in(client):
    assert path_of(client.get(CONFIRM)) == LOGIN


def test_the_code_field_helps_phones_and_screen_readers(client):
    page = client.get(sign_up(client, "new@example.com")["Location"]).content.decode()
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert 'aria-describedby="id_code_helptext"' in page


@pytest.mark.parametrize("typed", ["{}", " {} ", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}"])
def test_the_code_may_be_typed_with_spaces(client, typed):
    sign_up(client, "new@example.com")
    client.post(CONFIRM, {"code": typed.format(mailed_code())})
    assert is_logged_in(client)


@pytest.mark.parametrize("code", ["", "000000", "1", "٣٣٣٣٣٣", "x" * 1000, "12\x003456", "'; DROP TABLE"])
def test_a_wrong_code_is_answered_with_a_sentence(client, code):
    sign_up(client, "new@example.com")
    response = client.post(CONFIRM, {"code": code})
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()
    assert not is_logged_in(client)


def test_the_third_wrong_code_ends_it_and_log_in_sends_a_new_one(client):
    sign_up(client, "new@example.com")
    first = mailed_code()
    wrong = f"{(int(first) + 1) % 1_000_000:06}"
    assert client.post(CONFIRM, {"code": wrong}).status_code == 200
    assert client.post(CONFIRM, {"code": wrong}).status_code == 200
    assert path_of(client.post(CONFIRM, {"code": wrong})) == LOGIN
    assert path_of(client.post(CONFIRM, {"code": first})) == LOGIN
    assert not is_logged_in(client)

    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=1)):
        assert path_of(log_in(client, "new@example.com")) == CONFIRM
        client.post(CONFIRM, {"code": mailed_code()})
        assert is_logged_in(client)


def test_the_code_runs_out_after_half_an_hour(client):
    sign_up(client, "new@example.com")
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=31)):
        assert path_of(client.post(CONFIRM, {"code": mailed_code()})) == LOGIN
        assert not is_logged_in(client)


def test_a_new_code_replaces_the_old_one(client):
    sign_up(client, "new@example.com")
    first = mailed_code()
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=1)):
        assert path_of(client.post(CONFIRM, {"action": "resend"})) == CONFIRM
        second = mailed_code()
        assert len(mail.outbox) == 2
        client.post(CONFIRM, {"code": first})
        assert first == second or not is_logged_in(client)
        client.post(CONFIRM, {"code": second})
        assert is_logged_in(client)


def test_asking_for_a_new_code_at_once_is_answered_with_a_sentence(client):
    sign_up(client, "new@example.com")
    response = client.post(CONFIRM, {"action": "resend"}, follow=True)
    assert len(mail.outbox) == 1
    assert "wait" in response.content.decode() or response.status_code == 429


def test_the_address_cannot_be_swapped_under_a_waiting_code(client):
    """allauth's own form for it tells known from unknown addresses, so it is off."""
    sign_up(client, "new@example.com")
    client.post(CONFIRM, {"action": "change", "email": "other@example.com"})
    assert len(mail.outbox) == 1


def test_logging_in_before_the_code_was_entered_asks_for_it(client):
    AccountFactory(email="new@example.com", verified=False)
    assert path_of(log_in(client, "new@example.com")) == CONFIRM
    assert not is_logged_in(client)
    client.post(CONFIRM, {"code": mailed_code()})
    assert is_logged_in(client)


def test_many_guesses_in_one_session_are_bounded_even_past_the_counter_of_tries(client):
    """Parallel requests read the same counter of tries; the shared limit per session does not care."""
    sign_up(client, "new@example.com")
    code = mailed_code()
    session = client.session
    for _ in range(10):
        client.post(CONFIRM, {"code": "000000" if code != "000000" else "000001"})
        state = session["account_email_verification_code"] | {"failed_attempts": 0}
        fresh = client.session
        fresh["account_email_verification_code"] = state
        fresh["account_login"] = session["account_login"]
        fresh.save()
    response = client.post(CONFIRM, {"code": code})
    assert "Too many attempts" in response.content.decode()
    assert not is_logged_in(client)


def test_a_code_for_an_account_that_is_gone_is_wrong(client):
    sign_up(client, "new@example.com")
    User.objects.all().delete()
    response = client.post(CONFIRM, {"code": mailed_code()})
    assert path_of(response) == LOGIN if response.status_code == 302 else "not the code" in response.content.decode()
    assert not is_logged_in(client)


def test_even_a_lucky_guess_for_a_taken_address_is_wrong(client):
    AccountFactory(email="known@example.com")
    sign_up(client, "known@example.com")
    response = client.post(CONFIRM, {"code": client.session["account_email_verification_code"]["code"]})
    assert "This is not the code" in response.content.decode()
    assert not is_logged_in(client)


def test_who_is_asked_for_a_code_can_log_in_instead(client):
    """The mail may have said that there is an account already."""
    AccountFactory(email="known@example.com")
    sign_up(client, "known@example.com")
    assert client.get(LOGIN).status_code == 200
    assert path_of(log_in(client, "known@example.com")) == "/"
