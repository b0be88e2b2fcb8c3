"""Plain mails: what happened, what to do, and what if it was not you."""

import pytest
from django.core import mail
from django.test import Client

from tests.accounts.factories import PASSWORD, AccountFactory
from tests.accounts.helpers import CONFIRM, EMAIL, RESET, RESET_CODE, RESET_PASSWORD, log_in, mailed_code, sign_up

pytestmark = pytest.mark.django_db
ADDRESS = "o'brien&co@example.com"


@pytest.fixture
def mails(client, settings):
    """One mail of each kind, from journeys through the real pages."""
    settings.SITE_URL = "https://codes.example"
    AccountFactory(email=ADDRESS)
    sign_up(client, "new@example.com")
    sign_up(Client(), ADDRESS, next="/cpt/38570/")
    client = Client()
    client.post(RESET, {"email": ADDRESS})
    client.post(RESET_CODE, {"code": mailed_code()})
    client.post(RESET_PASSWORD, {"password1": PASSWORD + "!", "password2": PASSWORD + "!"})
    change = {"oldpassword": PASSWORD + "!", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/password/change/", change)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post(EMAIL, {"email": "second@example.com", "action_add": "1"})
    client.post(CONFIRM, {"code": mailed_code()})
    client.post("/account/delete/", {"confirmation": "second@example.com"})
    return mail.outbox


def test_there_is_one_of_each(mails):
    assert [" ".join(message.subject.split()[-5:]) for message in mails] == [
        "is your Coding Ahead code",
        "a Coding Ahead account already",
        "is your Coding Ahead code",
        "Coding Ahead password was changed",
        "Coding Ahead password was changed",
        "is your Coding Ahead code",
        "Coding Ahead account was changed",
        "Coding Ahead account is deleted",
    ]


def test_each_is_plain_text_that_names_the_site_and_says_what_if_it_was_not_you(mails):
    for message in mails:
        assert message.content_subtype == "plain"
        assert not message.alternatives
        assert "\n" not in message.subject
        assert message.body.rstrip().endswith("Coding Ahead\nhttps://codes.example")
        assert "If " in message.body
        assert any(words in message.body for words in ["did not", "was not you"])
        assert "&#" not in message.body + message.subject
        assert "&amp;" not in message.body
        assert "testserver" not in message.body  # links never follow the Host header
        assert "127.0.0.1/" not in message.body
        assert "{" not in message.body
        assert len(message.to) == 1


def test_codes_are_in_the_subject_and_in_the_text(mails):
    for message in mails:
        if "is your" in message.subject:
            assert f"\n    {message.subject[:6]}\n" in message.body


def test_links_lead_to_this_site_alone(mails):
    import re

    links = [link for message in mails for link in re.findall(r"https?://[^\s,]+", message.body)]
    assert links
    assert all(link.startswith("https://codes.example") for link in links)


def test_notices_say_when_and_from_where(mails):
    notice = next(message for message in mails if "password was changed" in message.subject)
    assert "Network address: 127.0.0.1" in notice.body
    assert "UTC" in notice.body
    assert ADDRESS in notice.body


def test_the_notice_to_the_old_address_does_not_offer_what_it_cannot_do(mails):
    notice = next(message for message in mails if "account was changed" in message.subject)
    assert notice.to == [ADDRESS]
    assert "choose a new password" not in notice.body


def test_logging_in_sends_no_mail(client):
    AccountFactory(email=ADDRESS)
    log_in(client, ADDRESS)
    assert not mail.outbox
