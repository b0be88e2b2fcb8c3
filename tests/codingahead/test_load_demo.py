import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from accounts.models import User
from codingahead.management.commands.load_demo import EDITOR, PASSWORD, READER

pytestmark = pytest.mark.django_db


def load_demo() -> str:
    output = io.StringIO()
    with override_settings(DEBUG=True):
        call_command("load_demo", stdout=output)
    return output.getvalue()


def test_it_is_refused_on_a_production_site() -> None:
    with pytest.raises(CommandError, match="only with DEBUG=1"):
        call_command("load_demo")
    assert not User.objects.exists()


def test_the_demo_accounts_can_log_in_at_once(client: Client) -> None:
    said = load_demo()
    for email in [READER, EDITOR]:
        assert email in said
        client.logout()
        response = client.post("/accounts/login/", {"login": email, "password": PASSWORD})
        assert response.status_code == 302
        assert "confirm" not in response["Location"]
    assert client.get("/admin/").status_code == 200


def test_the_demo_editor_has_an_editors_rights_and_no_more() -> None:
    load_demo()
    editor = User.objects.get(email=EDITOR)
    assert (editor.is_staff, editor.is_superuser) == (True, False)
    assert not User.objects.get(email=READER).is_staff


def test_loading_again_changes_nothing() -> None:
    load_demo()
    reader = User.objects.get(email=READER)
    reader.set_password("a password of my own")
    reader.save()
    load_demo()
    reader.refresh_from_db()
    assert reader.check_password("a password of my own")
    assert User.objects.count() == 2
