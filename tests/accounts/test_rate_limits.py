"""Limits are counted where all workers see them: in the database's cache table."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client

from tests.accounts.factories import AccountFactory
from tests.accounts.helpers import SIGNUP, log_in, path_of, sign_up

ANOTHER_WORKER = """
import django
django.setup()
from django.test import Client
client = Client()
for _ in range(5):
    client.post("/accounts/login/", {"login": "reader@example.com", "password": "wrong"})
"""


@pytest.mark.django_db(transaction=True)
def test_wrong_passwords_given_to_one_worker_count_in_the_others(client):
    AccountFactory(email="reader@example.com")
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].split("?")
    base, query = url[0].rpartition("/")[0], url[1:]
    environment = os.environ | {
        "DATABASE_URL": "?".join([f"{base}/{name}", *query]),
        "DJANGO_SETTINGS_MODULE": "codingahead.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "DEBUG": "1",
        "ALLOWED_HOSTS": "testserver",
    }
    subprocess.run([sys.executable, "-c", ANOTHER_WORKER], env=environment, cwd=settings.BASE_DIR, check=True)

    response = log_in(client, "reader@example.com")

    assert "Too many attempts" in response.content.decode()


@pytest.mark.django_db
def test_the_control_without_another_worker_the_same_password_works(client):
    AccountFactory(email="reader@example.com")
    assert path_of(log_in(client, "reader@example.com")) == "/"


@pytest.mark.django_db
def test_the_eleventh_sign_up_of_a_minute_from_one_address_waits():
    for number in range(10):
        assert path_of(sign_up(Client(), f"new{number}@example.com")) == "/accounts/confirm-email/"
    response = sign_up(Client(), "new10@example.com")
    assert response.status_code == 429
    assert "One moment, please" in response.content.decode()
    assert len(mail.outbox) == 10
    assert path_of(sign_up(Client(REMOTE_ADDR="192.0.2.8"), "new11@example.com")) == "/accounts/confirm-email/"
    assert Client().get(SIGNUP).status_code == 200


@pytest.mark.django_db
def test_a_written_header_does_not_make_another_address(client):
    for number in range(11):
        response = sign_up(Client(), f"new{number}@example.com", "short")
        response = Client().post(SIGNUP, {}, headers={"x-forwarded-for": f"198.51.100.{number}"})
    assert response.status_code == 429


@pytest.mark.django_db
def test_behind_our_proxy_the_address_it_wrote_counts(settings):
    settings.TRUSTED_PROXY_COUNT = 1
    for number in range(11):
        forged = {"x-forwarded-for": f"198.51.100.{number}, 192.0.2.9"}
        response = Client().post(SIGNUP, {}, headers=forged)
    assert response.status_code == 429
    assert Client().post(SIGNUP, {}, headers={"x-forwarded-for": "192.0.2.10"}).status_code == 200


def test_strange_addresses_cannot_wipe_the_counts_out():
    """Django's cache table throws entries away beyond 300 unless told otherwise."""
    assert cache._max_entries >= 100_000
