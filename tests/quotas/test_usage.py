"""The usage page and the request for more."""

import copy

import pytest
import time_machine

from quotas import actions
from quotas.models import MoreRequest
from quotas.readers import GUEST_COOKIE, account_key, new_guest_key
from quotas.windows import today, window_start
from tests.factories import CodeFactory, EditorFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.quotas.urls")]

FORM = {"meter": "code_page", "message": "An audit of our whole department"}


@pytest.fixture(autouse=True)
def _things_describe_themselves(settings):
    settings.QUOTA_METERS = copy.deepcopy(settings.QUOTA_METERS)
    settings.QUOTA_METERS["code_page"]["describe"] = "tests.quotas.test_usage.describe_things"


def describe_things(items):
    return {item: (item.upper(), f"Title of {item}", f"/things/{item}/") for item in items if item != "gone"}


@pytest.fixture
def account(client):
    user = UserFactory()
    client.force_login(user)
    return user


def open_item(reader_key: str, item: str) -> None:
    start = window_start("month", today())
    actions.admit(reader_key=reader_key, meter="code_page", item=item, limit=5, window_start=start)


def page(client) -> str:
    return " ".join(client.get("/usage/").content.decode().split())


def test_a_new_guest_sees_what_there_is_to_open_without_a_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        text = page(client)
    assert "1 code page view remaining." in text
    assert "You have not opened anything" in text
    assert "Ask for more" not in text


def test_a_guest_sees_what_was_opened(client):
    client.get("/things/a/")
    text = page(client)
    assert "0 code page views remaining." in text
    assert '<a href="/things/thing:a/"><data>THING:A</data> <span class="title">Title of thing:a</span></a>' in text
    assert "next=%2Fusage%2F" in text


def test_an_account_sees_what_was_opened_what_is_left_and_when_it_resets(client, account):
    with time_machine.travel("2026-11-10", tick=False):
        client.force_login(account)
        guest = new_guest_key()
        open_item(guest, "z")
        actions.start_account(user=account, guest_key=guest)
        for item in ("a", "b"):
            open_item(account_key(account), item)
        text = page(client)
    assert "3 code page views remaining." in text
    assert "A new period starts on 1 December 2026" in text
    assert [text.count(f"<data>{label}</data>") for label in "ZAB"] == [1, 1, 1]
    assert text.count("Opened as a guest, not counted") == 1


def test_codes_describes_its_items_in_the_order_that_the_page_reads(client, account, settings):
    settings.QUOTA_METERS["code_page"]["describe"] = "codes.presenters.describe_items"
    code = CodeFactory(described=True)
    open_item(account_key(account), code.item)
    assert f'<a href="{code.get_absolute_url()}"><data>' in page(client)
    assert f'<span class="title">{code.entry.title}</span>' in page(client)


def test_an_item_that_its_owner_does_not_know_any_more_is_shown_as_it_is(client, account):
    open_item(account_key(account), "gone")
    assert '<span class="line"><data>gone</data>' in page(client)


def test_an_editor_reads_that_nothing_is_metered(client):
    client.force_login(EditorFactory())
    text = page(client)
    assert "Unlimited code page views." in text
    assert "Ask for more" not in text


def test_the_usage_page_is_kept_by_nobody_and_indexed_by_nobody(client):
    answer = client.get("/usage/")
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]
    assert b'name="robots" content="noindex"' in answer.content
    assert GUEST_COOKIE not in client.cookies


def test_a_usage_page_of_many_items_costs_as_many_queries_as_one(client, account, django_assert_num_queries):
    actions.grant(user=account, meter="code_page", limit=50, reason="x", author=None)
    open_item(account_key(account), "a")
    with django_assert_num_queries(5):
        page(client)
    for number in range(5):
        open_item(account_key(account), f"{number}")
    with django_assert_num_queries(5):
        page(client)


def test_an_account_asks_for_more(client, account):
    answer = client.post("/usage/more/", FORM, follow=True)
    assert b"Your request is with our editors" in answer.content
    assert b"You asked for more on" in answer.content
    assert b"Send request" not in answer.content
    assert MoreRequest.objects.get().user == account


def test_an_account_that_asks_again_is_told_why_not(client, account):
    client.post("/usage/more/", FORM)
    assert client.post("/usage/more/", FORM).status_code == 429
    for _ in range(2):
        actions.decline_request(request=MoreRequest.objects.undecided().get(), author=None)
        client.post("/usage/more/", FORM)
    actions.decline_request(request=MoreRequest.objects.undecided().get(), author=None)
    answer = client.post("/usage/more/", FORM)
    assert answer.status_code == 429
    assert b"You have asked 3 times in 30 days" in answer.content


@pytest.mark.parametrize("form", [{}, FORM | {"message": " "}, FORM | {"meter": "x"}, FORM | {"message": "x" * 1001}])
def test_a_request_that_says_nothing_is_refused(client, account, form):
    assert client.post("/usage/more/", form).status_code == 400
    assert not MoreRequest.objects.exists()


def test_what_was_written_is_not_lost_with_an_error(client, account):
    client.post("/usage/more/", FORM)
    actions.decline_request(request=MoreRequest.objects.get(), author=None)
    answer = client.post("/usage/more/", FORM | {"message": "<b>" + "x" * 1001})
    assert b"&lt;b&gt;xxx" in answer.content


def test_a_guest_who_asks_for_more_is_asked_to_log_in(client):
    answer = client.post("/usage/more/", FORM)
    assert answer.status_code == 302
    assert answer["Location"].endswith("?next=/usage/")


def test_there_is_nothing_to_ask_for_by_looking_or_without_a_limit(client, account):
    assert client.get("/usage/more/")["Location"] == "/usage/"
    client.force_login(EditorFactory())
    client.post("/usage/more/", FORM)
    assert not MoreRequest.objects.exists()
