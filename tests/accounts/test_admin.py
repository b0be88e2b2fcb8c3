import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client

from accounts.models import User
from codes.actions import report_error
from codes.models import ErrorReport
from quotas.models import Allowance
from quotas.readers import account_key
from tests.accounts.factories import PASSWORD, AccountFactory
from tests.accounts.helpers import LOGIN, RESET, RESET_CODE, RESET_PASSWORD, is_logged_in, log_in, mailed_code, path_of
from tests.factories import EditorFactory, SuperuserFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/user/"


@pytest.fixture
def root(client) -> User:
    user = SuperuserFactory()
    client.force_login(user)
    return user


def test_a_guest_logs_in_where_everybody_does_and_comes_back(client):
    AccountFactory(email="editor@example.com", is_staff=True)
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == f"{LOGIN}?next=%2Fadmin%2F"
    assert log_in(client, "editor@example.com", next="/admin/")["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_an_unverified_editor_is_asked_for_the_code_first(client):
    AccountFactory(email="editor@example.com", is_staff=True, verified=False)
    assert path_of(log_in(client, "editor@example.com", next="/admin/")) == "/accounts/confirm-email/"
    assert client.get("/admin/").status_code == 302


def test_the_admins_own_log_in_form_takes_nothing(client):
    AccountFactory(email="editor@example.com", is_staff=True)
    response = client.post("/admin/login/", {"username": "editor@example.com", "password": PASSWORD})
    assert path_of(response) == LOGIN
    assert not is_logged_in(client)


def test_a_reader_is_turned_away(client):
    client.force_login(AccountFactory())
    assert client.get("/admin/login/").status_code == 403


def test_an_editor_without_the_right_does_not_see_accounts(client):
    client.force_login(EditorFactory())
    assert client.get(LIST).status_code == 403


def test_an_account_is_made_without_a_password_and_its_owner_chooses_one(client, root):
    group = Group.objects.get(name="Editors")
    response = client.post(f"{LIST}add/", {"email": "New@Example.com", "is_staff": "on", "groups": [group.pk]})
    assert response.status_code == 302
    user = User.objects.get(email="new@example.com")
    assert not user.has_usable_password()
    assert list(user.groups.all()) == [group]
    assert user.is_staff
    assert mail.outbox[0].to == ["new@example.com"]
    assert RESET in mail.outbox[0].body

    client.logout()
    client.post(RESET, {"email": "new@example.com"})
    client.post(RESET_CODE, {"code": mailed_code()})
    client.post(RESET_PASSWORD, {"password1": "quite another secret", "password2": "quite another secret"})
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "address", ["", "nobody", "JANE.doe@gmail.com", "jane.doe+2@googlemail.com", "a\x00@example.com"]
)
def test_an_account_with_a_bad_or_taken_address_is_refused_with_a_sentence(client, root, address):
    AccountFactory(email="janedoe@gmail.com")
    response = client.post(f"{LIST}add/", {"email": address})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert User.objects.count() == 2


def test_no_page_shows_a_password_hash(client, root):
    user = AccountFactory(email="reader@example.com")
    for path in [LIST, f"{LIST}{user.pk}/change/", f"{LIST}{user.pk}/history/", f"{LIST}{user.pk}/password/"]:
        page = client.get(path).content.decode()
        assert user.password not in page
        assert user.password.split("$")[-1][:8] not in page


def test_rights_change_and_the_address_does_not(client, root):
    user = AccountFactory(email="reader@example.com")
    client.post(f"{LIST}{user.pk}/change/", {"is_active": "on", "is_staff": "on", "email": "evil@example.com"})
    user.refresh_from_db()
    assert user.is_staff
    assert user.email == "reader@example.com"


def test_a_password_mail_can_be_sent_to_several_at_once(client, root):
    chosen = [AccountFactory(), AccountFactory(), AccountFactory(is_active=False)]
    response = client.post(
        LIST, {"action": "send_password_mail", "_selected_action": [user.pk for user in chosen]}, follow=True
    )
    assert "Sent 2 mails." in response.content.decode()
    assert len(mail.outbox) == 2


def test_accounts_are_found_by_address(client, root):
    AccountFactory(email="somebody@example.com")
    AccountFactory(email="other@example.com")
    page = client.get(LIST, {"q": "somebody"}).content.decode()
    assert "somebody@example.com" in page
    assert "other@example.com" not in page


@pytest.mark.parametrize("way", ["one", "several"])
def test_deleting_here_forgets_as_much_as_the_readers_own_page(client, root, way):
    user = AccountFactory(email="reader@example.com")
    Allowance.objects.create(
        reader_key=account_key(user),
        meter="code_page",
        window_start="2026-11-01",
        created_on="2026-11-02",
        opened=["x:1"],
    )
    report_error(path="/", message="A typo", caller="x", reporter=user, email="private@example.com")
    reader = Client()
    log_in(reader, "reader@example.com")
    if way == "one":
        client.post(f"{LIST}{user.pk}/delete/", {"post": "yes"})
    else:
        client.post(LIST, {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"})
    assert list(User.objects.all()) == [root]
    assert not Allowance.objects.exists()
    assert ErrorReport.objects.get().email == ""
    assert not is_logged_in(reader)


@pytest.mark.parametrize("way", ["one", "several"])
def test_the_last_superuser_cannot_be_deleted_here(client, root, way):
    if way == "one":
        assert client.post(f"{LIST}{root.pk}/delete/", {"post": "yes"}).status_code == 403
    else:
        client.post(LIST, {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"})
    assert User.objects.filter(pk=root.pk).exists()


def test_all_superusers_cannot_be_deleted_at_once(client, root):
    both = [root, AccountFactory(email="second@example.com", is_staff=True, is_superuser=True)]
    chosen = {"action": "delete_selected", "_selected_action": [user.pk for user in both]}
    assert "the last account that may administer the site" in client.post(LIST, chosen).content.decode()
    assert client.post(LIST, chosen | {"post": "yes"}).status_code == 403
    assert User.objects.count() == 2
    client.post(LIST, {"action": "delete_selected", "_selected_action": [both[1].pk], "post": "yes"})
    assert list(User.objects.all()) == [root]
