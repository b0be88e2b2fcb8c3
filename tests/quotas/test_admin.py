"""Editors look allowances up, give overrides and answer requests."""

import pytest
from django.core import mail

from quotas import actions
from quotas.models import AllowanceOverride, CrawlerNetwork, MoreRequest
from quotas.readers import account_key
from quotas.windows import today, window_start
from tests.factories import EditorFactory, UserFactory

pytestmark = pytest.mark.django_db

ALLOWANCES = "/admin/quotas/allowance/"
OVERRIDES = "/admin/quotas/allowanceoverride/"
REQUESTS = "/admin/quotas/morerequest/"


@pytest.fixture
def editor(client):
    user = EditorFactory()
    client.force_login(user)
    return user


def open_item(reader_key: str, item: str) -> None:
    start = window_start("month", today())
    actions.admit(reader_key=reader_key, meter="code_page", item=item, limit=5, window_start=start)


@pytest.mark.parametrize("path", [ALLOWANCES, OVERRIDES, REQUESTS])
def test_readers_do_not_get_in(client, path):
    client.force_login(UserFactory())
    assert client.get(path).status_code in {302, 403}


def test_an_allowance_is_looked_up_by_the_address_of_an_account(client, editor):
    user, other = UserFactory(email="ada@example.com"), UserFactory()
    open_item(account_key(user), "cpt:1")
    open_item(account_key(other), "cpt:2")
    assert b"cpt:" not in client.get(ALLOWANCES).content
    answer = client.get(ALLOWANCES, {"q": " ADA@example.com "})
    assert b"cpt:1" in answer.content
    assert b"cpt:2" not in answer.content
    assert b"cpt:2" in client.get(ALLOWANCES, {"q": account_key(other)}).content
    assert b"cpt:" not in client.get(ALLOWANCES, {"q": "nobody@example.com"}).content


def test_an_allowance_cannot_be_edited(client, editor):
    open_item("g:1", "cpt:1")
    assert client.get(f"{ALLOWANCES}add/").status_code == 403
    answer = client.get(ALLOWANCES, {"q": "g:1"})
    assert b"delete_selected" not in answer.content


def override_form(**values) -> dict[str, str]:
    form = {"email": "ada@example.com", "meter": "code_page", "limit": "50", "window": "", "reason": "x", "ends_on": ""}
    return form | values


def test_an_override_knows_its_author(client, editor):
    user = UserFactory(email="ada@example.com")
    assert client.post(f"{OVERRIDES}add/", override_form()).status_code == 302
    override = AllowanceOverride.objects.get()
    assert (override.user, override.author, override.limit) == (user, editor, 50)
    assert b"ada@example.com" in client.get(OVERRIDES).content


def test_an_empty_limit_is_unlimited(client, editor):
    UserFactory(email="ada@example.com")
    client.post(f"{OVERRIDES}add/", override_form(limit=""))
    assert AllowanceOverride.objects.get().limit is None


@pytest.mark.parametrize(
    "wrong", [{"reason": " "}, {"email": "nobody@example.com"}, {"limit": "-1"}, {"window": "week"}, {"meter": "x"}]
)
def test_an_override_that_is_not_right_is_refused(client, editor, wrong):
    UserFactory(email="ada@example.com")
    assert client.post(f"{OVERRIDES}add/", override_form(**wrong)).status_code == 200
    assert not AllowanceOverride.objects.exists()


def test_an_override_may_be_ended_but_not_rewritten(client, editor):
    override = actions.grant(user=UserFactory(), meter="code_page", limit=50, reason="x", author=EditorFactory())
    path = f"{OVERRIDES}{override.pk}/change/"
    assert client.get(path).status_code == 200
    client.post(path, {"ends_on": "2026-11-30", "limit": "9", "reason": "y"})
    changed = AllowanceOverride.objects.get()
    assert (str(changed.ends_on), changed.limit, changed.reason) == ("2026-11-30", 50, "x")
    assert changed.author == override.author


def decide(client, action: str, *requests: MoreRequest, **fields: str):
    form = {"action": action, "_selected_action": [str(more.pk) for more in requests], **fields}
    return client.post(REQUESTS, form, follow=True)


def test_a_request_is_granted_with_the_limit_beside_the_action(client, editor, django_capture_on_commit_callbacks):
    user = UserFactory()
    more = actions.ask_for_more(user=user, meter="code_page", message="An audit")
    assert b"An audit" in client.get(REQUESTS).content
    with django_capture_on_commit_callbacks(execute=True):
        answer = decide(client, "grant", more, limit="40", reason="Teaches coding")
    assert b"may now open 40" in answer.content
    override = AllowanceOverride.objects.get()
    assert (override.user, override.limit, override.author, override.reason) == (user, 40, editor, "Teaches coding")
    assert mail.outbox[0].to == [user.email]


@pytest.mark.parametrize("limit", ["", "-1", "x"])
def test_a_request_is_not_granted_without_a_limit(client, editor, limit):
    more = actions.ask_for_more(user=UserFactory(), meter="code_page", message="An audit")
    answer = decide(client, "grant", more, limit=limit)
    assert not AllowanceOverride.objects.exists()
    assert MoreRequest.objects.undecided().exists()
    assert answer.status_code == 200


@pytest.mark.parametrize("action", ["grant", "decline"])
def test_a_request_that_was_decided_is_left_alone(client, editor, action):
    more = actions.ask_for_more(user=UserFactory(), meter="code_page", message="An audit")
    actions.decline_request(request=more, author=editor)
    assert b"was decided already" in decide(client, action, more, limit="40").content
    assert not AllowanceOverride.objects.exists()


def test_a_request_is_declined(client, editor):
    more = actions.ask_for_more(user=UserFactory(), meter="code_page", message="An audit")
    assert b"was declined" in decide(client, "decline", more, limit="").content
    more.refresh_from_db()
    assert (more.decision, more.decided_by) == ("declined", editor)


def test_crawler_networks_are_read_only(client, editor):
    CrawlerNetwork.objects.create(engine="googlebot", network="66.249.64.0/27")
    assert b"66.249.64.0/27" in client.get("/admin/quotas/crawlernetwork/").content
    assert client.get("/admin/quotas/crawlernetwork/add/").status_code == 403


def test_networks_of_readers_are_nowhere_in_the_admin(client, editor):
    assert client.get("/admin/quotas/networkday/").status_code == 404
    assert b"network day" not in client.get("/admin/").content.lower()
