"""The fixtures that every other test relies on."""

import socket

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.db import connection
from pytest_socket import SocketConnectBlockedError

from codes.models import CodeSystem, Revision


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_a_test_that_commits_leaves_no_trace_and_takes_nothing_away(time: str) -> None:
    assert CodeSystem.objects.filter(slug="cpt").exists()
    assert Revision.objects.exists()
    assert not CodeSystem.objects.filter(slug="committed").exists()

    CodeSystem.objects.all().delete()
    CodeSystem.objects.create(slug="committed", name="Committed")


@pytest.mark.django_db
def test_the_cache_table_is_there() -> None:
    assert "cache" in connection.introspection.table_names()


@pytest.mark.filterwarnings("ignore:A test tried to use")
def test_the_network_is_out_of_reach() -> None:
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_passwords_hash_fast() -> None:
    assert identify_hasher(make_password("secret")).algorithm == "md5"
