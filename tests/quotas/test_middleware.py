"""The law of docs/quotas.md, asked for through the whole middleware."""

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.quotas.urls")]


def test_a_guest_sees_one_page_and_then_the_wall(client):
    assert client.get("/things/a/").content == b"page guest 1/1"
    wall = client.get("/things/b/")
    assert wall.status_code == 403
    assert wall.content == b"wall guest 1/1"


def test_looking_again_is_free(client):
    client.get("/things/a/")
    assert client.get("/things/a/").content == b"page guest 1/1"
