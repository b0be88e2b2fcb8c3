import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from pytest_django import DjangoAssertNumQueries

UNKNOWN_HOST = {"Host": "10.1.2.3:8000"}


def test_healthz_answers_without_a_database(client: Client) -> None:
    response = client.get("/healthz")  # the test would fail if it asked the database
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@override_settings(ALLOWED_HOSTS=["codingahead.example"], SECURE_SSL_REDIRECT=True)
def test_a_container_engine_may_ask_over_plain_http_under_any_name(client: Client, path: str) -> None:
    assert client.get(path, headers=UNKNOWN_HOST).status_code == 200
    assert client.get("/", secure=True, headers=UNKNOWN_HOST).status_code == 400


@pytest.mark.django_db
def test_readyz_says_ok_when_the_database_is_migrated(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(2):
        response = client.get("/readyz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert not response.cookies


@pytest.mark.django_db
def test_readyz_names_a_missing_migration(client: Client) -> None:
    newest = MigrationRecorder.Migration.objects.filter(app="codes").order_by("name").last()
    assert newest is not None
    newest.delete()
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"migrations\n")


@pytest.mark.django_db(transaction=True)
def test_readyz_names_a_database_out_of_reach(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", "no_such_database")
    response = client.get("/readyz")
    connection.close()
    assert (response.status_code, response.content) == (503, b"database\n")
