"""Registering and logging in lead back to the page that was asked for, and nowhere else."""

import datetime

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from tests.accounts.factories import PASSWORD, AccountFactory
from tests.accounts.helpers import (
    CONFIRM,
    LOGIN,
    RESET,
    RESET_CODE,
    RESET_PASSWORD,
    SIGNUP,
    log_in,
    mailed_code,
    sign_up,
)

pytestmark = pytest.mark.django_db

PLACE = "/cpt/38570/?on=2026-01-01#indications"
QUOTED = "%2Fcpt%2F38570%2F%3Fon%3D2026-01-01%23indications"
EVIL = [
    "//evil.example",
    "https://evil.example/",
    "https:evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "/\x00/evil",
    "/" + "x" * 1_000_000,
]


def test_sign_up_comes_back_through_the_code(client):
    assert f'name="next" value="{PLACE}"' in client.get(SIGNUP, {"next": PLACE}).content.decode()
    response = sign_up(client, "new@example.com", next=PLACE)
    assert response["Location"] == f"{CONFIRM}?next={QUOTED}"
    page = client.get(response["Location"]).content.decode()
    assert page.count(f'name="next" value="{PLACE}"') == 2  # the code and "send a new code"
    response = client.post(CONFIRM, {"code": mailed_code(), "next": PLACE})
    assert response["Location"] == PLACE


def test_a_lost_next_is_remembered_by_the_session(client):
    sign_up(client, "new@example.com", next=PLACE)
    assert client.post(CONFIRM, {"code": mailed_code()})["Location"] == PLACE


def test_asking_for_a_new_code_keeps_the_way_back(client):
    sign_up(client, "new@example.com", next=PLACE)
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=1)):
        response = client.post(CONFIRM, {"action": "resend", "next": PLACE})
        assert response["Location"] == f"{CONFIRM}?next={QUOTED}"
        assert client.post(CONFIRM, {"code": mailed_code(), "next": PLACE})["Location"] == PLACE


def test_a_reader_whose_code_ran_out_comes_back_by_log_in(client):
    sign_up(client, "new@example.com", next=PLACE)
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=1)):
        response = client.get(CONFIRM, follow=True)
        assert response.redirect_chain[-1][0] == f"{LOGIN}?next={QUOTED}"
        log_in(client, "new@example.com", next=PLACE)
        assert client.post(CONFIRM, {"code": mailed_code(), "next": PLACE})["Location"] == PLACE


def test_a_day_later_the_way_back_is_forgotten(client):
    """Opening a page may cost a view, so nobody is sent to one that was not asked for today."""
    sign_up(client, "new@example.com", next=PLACE)
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=25)):
        assert client.get(LOGIN).status_code == 200
        log_in(client, "new@example.com")
        assert client.post(CONFIRM, {"code": mailed_code()})["Location"] == "/"


def test_the_way_back_is_used_once(client):
    sign_up(client, "new@example.com", next=PLACE)
    client.post(CONFIRM, {"code": mailed_code()})
    client.post("/accounts/logout/")
    assert log_in(client, "new@example.com")["Location"] == "/"


def test_who_has_an_account_already_comes_back_by_the_link_in_the_mail(client):
    AccountFactory(email="reader@example.com")
    sign_up(client, "reader@example.com", next=PLACE)
    body = mail.outbox[0].body
    assert f"{LOGIN}?next={QUOTED}\n" in body
    client.post("/accounts/logout/", {"next": LOGIN})
    assert log_in(client, "reader@example.com", next=PLACE)["Location"] == PLACE


def test_log_in_comes_back(client):
    AccountFactory(email="reader@example.com")
    page = client.get(LOGIN, {"next": PLACE}).content.decode()
    assert f'name="next" value="{PLACE}"' in page
    assert "You will come back to CPT® 38570." in page
    assert f"{SIGNUP}?next={QUOTED}" in page
    assert f'{RESET}?next={QUOTED}"' in page
    log_in(client, "reader@example.com", "wrong", next=PLACE)
    assert log_in(client, "reader@example.com", next=PLACE)["Location"] == PLACE


def test_choosing_a_new_password_comes_back(client):
    AccountFactory(email="reader@example.com")
    response = client.post(RESET, {"email": "reader@example.com", "next": PLACE})
    assert response["Location"] == f"{RESET_CODE}?next={QUOTED}"
    assert f'name="next" value="{PLACE}"' in client.get(response["Location"]).content.decode()
    response = client.post(RESET_CODE, {"code": mailed_code(), "next": PLACE})
    assert response["Location"] == f"{RESET_PASSWORD}?next={QUOTED}"
    assert f'name="next" value="{PLACE}"' in client.get(response["Location"]).content.decode()
    new = {"password1": "quite another secret", "password2": "quite another secret", "next": PLACE}
    assert client.post(RESET_PASSWORD, new)["Location"] == PLACE


@pytest.mark.parametrize("evil", EVIL)
def test_no_entrance_leads_away_from_the_site(client, evil):
    AccountFactory(email="reader@example.com")
    assert log_in(client, "reader@example.com", next=evil)["Location"] == "/"
    assert client.get(LOGIN, {"next": evil[:3000]})["Location"] == "/"
    assert client.post("/accounts/logout/", {"next": evil})["Location"] == "/"
    assert client.get(LOGIN, {"next": evil[:3000]}).status_code == 200
    response = sign_up(client, "new@example.com", next=evil)
    assert response["Location"] == CONFIRM
    assert client.post(CONFIRM, {"code": mailed_code(), "next": evil})["Location"] == "/"


@pytest.mark.parametrize("evil", EVIL)
def test_no_new_password_leads_away_from_the_site(client, evil):
    AccountFactory(email="reader@example.com")
    assert client.post(RESET, {"email": "reader@example.com", "next": evil})["Location"] == RESET_CODE
    assert client.post(RESET_CODE, {"code": mailed_code(), "next": evil})["Location"] == RESET_PASSWORD
    new = {"password1": PASSWORD + "!", "password2": PASSWORD + "!", "next": evil}
    assert client.post(RESET_PASSWORD, new)["Location"] == "/"


def test_the_account_page_asks_to_log_in_and_comes_back(client):
    AccountFactory(email="reader@example.com")
    response = client.get("/account/")
    assert response["Location"] == f"{LOGIN}?next=/account/"
    assert log_in(client, "reader@example.com", next="/account/")["Location"] == "/account/"
