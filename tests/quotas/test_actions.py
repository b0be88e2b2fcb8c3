"""Accounts come and go, limits are granted, old windows are purged."""

import copy
import datetime
import json

import pytest
import time_machine
from django.core import mail
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, transaction

from quotas import actions
from quotas.models import Allowance, AllowanceOverride, DeletedAllowance, MoreRequest, NetworkDay
from quotas.readers import account_key, new_guest_key
from quotas.windows import EVER, today, window_start
from tests.factories import EditorFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_november():
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False):
        yield


@pytest.fixture
def meter(settings):
    settings.QUOTA_METERS = copy.deepcopy(settings.QUOTA_METERS)
    return settings.QUOTA_METERS["code_page"]


def open_item(reader_key: str, item: str, limit: int = 5):
    start = window_start("month", today())
    return actions.admit(reader_key=reader_key, meter="code_page", item=item, limit=limit, window_start=start)


def row_of(user) -> Allowance:
    return Allowance.objects.get(reader_key=account_key(user))


# --- admit ------------------------------------------------------------------------------------------------------


def row_version():
    """Changes with every write to the only row, even one that only locks it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text, xmax::text, ctid::text FROM quotas_allowance")
        return cursor.fetchone()


def test_repeats_and_refusals_write_nothing():
    open_item("u:1", "a", limit=1)
    before = row_version()
    assert open_item("u:1", "a", limit=1).allowed
    assert not open_item("u:1", "b", limit=1).allowed
    assert row_version() == before


def test_only_the_request_that_opened_an_item_says_so():
    assert open_item("u:1", "a").newly
    assert not open_item("u:1", "a").newly
    assert not open_item("u:1", "b", limit=1).newly


def test_meters_and_windows_are_counted_apart():
    start = window_start("month", today())
    for meter in ("code_page", "casepilot_question"):
        assert actions.admit(reader_key="u:1", meter=meter, item="a", limit=1, window_start=start).used == 1
    assert actions.admit(reader_key="u:1", meter="code_page", item="b", limit=1, window_start=EVER).allowed


def test_items_may_hold_any_text():
    items = ("'", '"', "{a,b}", "%s", "\\", "é€", "NULL", "")
    for number, item in enumerate(items, start=1):
        assert open_item("u:1", item, limit=9).used == number
        assert open_item("u:1", item, limit=9).used == number
    assert open_item("u:1", "a", limit=8).opened == items


# --- Carrying over ----------------------------------------------------------------------------------------------


def test_what_a_guest_opened_stays_open_for_the_account_and_does_not_count():
    guest, user = new_guest_key(), UserFactory()
    open_item(guest, "a")
    actions.start_account(user=user, guest_key=guest)
    for item in "abcdef":
        assert open_item(account_key(user), item).allowed
    admission = open_item(account_key(user), "a")
    assert (admission.allowed, admission.used, admission.opened) == (True, 5, tuple("abcdef"))
    assert not open_item(account_key(user), "g").allowed


def test_a_sign_up_does_not_refill_the_guest():
    guest = new_guest_key()
    open_item(guest, "a", limit=1)
    actions.start_account(user=UserFactory(), guest_key=guest)
    assert not open_item(guest, "b", limit=1).allowed


def test_carrying_over_happens_once_and_at_most_up_to_the_guest_limit():
    guest, user = new_guest_key(), UserFactory()
    open_item(guest, "a")
    open_item(guest, "b")
    actions.carry_over(guest_key=guest, user=user)
    assert row_of(user).carried == ["a"]
    other = new_guest_key()
    open_item(other, "c")
    actions.carry_over(guest_key=other, user=user)
    assert row_of(user).carried == ["a"]


@pytest.mark.parametrize("guest_key", [None, "g:unknown"])
def test_nothing_is_carried_over_from_nobody(guest_key):
    actions.start_account(user=UserFactory(), guest_key=guest_key)
    assert not Allowance.objects.exists()


# --- Deleting and signing up again ------------------------------------------------------------------------------


def test_deleting_an_account_is_no_refill():
    guest, user = new_guest_key(), UserFactory(email="ada@gmail.com")
    open_item(guest, "z")
    actions.start_account(user=user, guest_key=guest)
    for item in "abc":
        open_item(account_key(user), item)
    actions.forget_reader(user=user)
    user.delete()
    again = UserFactory(email="a.d.a+again@gmail.com")
    actions.start_account(user=again, guest_key=guest)
    assert (row_of(again).opened, row_of(again).carried) == (["a", "b", "c"], ["z"])


def test_a_deleted_account_is_remembered_without_its_name():
    user = UserFactory(email="ada@example.com")
    open_item(account_key(user), "a")
    actions.forget_reader(user=user)
    assert not Allowance.objects.exists()
    memory = DeletedAllowance.objects.get()
    assert "ada" not in str(memory.__dict__)
    assert memory.expires_on == datetime.date(2026, 12, 1)


def test_the_memory_ends_with_the_window():
    user = UserFactory(email="ada@example.com")
    open_item(account_key(user), "a")
    actions.forget_reader(user=user)
    with time_machine.travel("2026-12-01", tick=False):
        actions.restore_openings(user=user)
        assert not Allowance.objects.exists()
        assert actions.purge().memories == 1


def test_the_memory_survives_a_change_of_the_secret(settings):
    user = UserFactory(email="ada@example.com")
    open_item(account_key(user), "a")
    actions.forget_reader(user=user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key"
    actions.restore_openings(user=user)
    assert row_of(user).opened == ["a"]


def test_remembering_twice_keeps_what_was_remembered_first():
    user = UserFactory(email="ada@example.com")
    open_item(account_key(user), "a")
    actions.forget_reader(user=user)
    actions.forget_reader(user=user)
    assert DeletedAllowance.objects.get().opened == ["a"]


# --- Moving to another address ----------------------------------------------------------------------------------


def move(user, address: str) -> None:
    left, user.email = user.email, address
    user.save()
    actions.move_account(user=user, left=left)


def test_an_address_that_an_account_leaves_is_no_new_allowance():
    user = UserFactory(email="ada@example.com")
    open_item(account_key(user), "a")
    move(user, "ada@example.org")
    open_item(account_key(user), "b")
    newcomer = UserFactory(email="ada@example.com")
    actions.start_account(user=newcomer, guest_key=None)
    assert row_of(newcomer).opened == ["a"]
    assert row_of(user).opened == ["a", "b"]


def test_openings_from_before_an_override_with_another_window_are_remembered_too():
    user = UserFactory(email="ada@example.com")
    open_item(account_key(user), "a")
    actions.grant(user=user, meter="code_page", limit=9, window="ever", reason="An audit", author=None)
    actions.admit(reader_key=account_key(user), meter="code_page", item="b", limit=9, window_start=EVER)
    actions.forget_reader(user=user)
    assert DeletedAllowance.objects.get().opened == ["a", "b"]


def test_an_account_that_moves_to_a_spent_address_has_spent_it():
    guest, first = new_guest_key(), UserFactory(email="ada@example.org")
    open_item(guest, "z")
    actions.start_account(user=first, guest_key=guest)
    for item in "abc":
        open_item(account_key(first), item)
    actions.forget_reader(user=first)
    first.delete()
    second = UserFactory(email="ada@example.com")
    open_item(account_key(second), "b")
    move(second, "ada@example.org")
    assert (row_of(second).opened, row_of(second).carried) == (["b", "a", "c"], ["z"])
    move(second, "ada@example.net")
    move(second, "ada@example.org")
    assert (row_of(second).opened, row_of(second).carried) == (["b", "a", "c"], ["z"])


def test_two_mailboxes_are_never_more_than_two_allowances():
    """Whoever owns two could else move and delete in turns, and read on for ever."""
    seen: set[str] = set()
    user = UserFactory(email="even@example.com")
    for turn in range(8):
        for item in (f"{turn}-{number}" for number in range(6)):
            if open_item(account_key(user), item).allowed:
                seen.add(item)
        move(user, f"{'odd' if turn % 2 == 0 else 'even'}@example.com")
        if turn % 3 == 2:
            address = user.email
            actions.forget_reader(user=user)
            user.delete()
            user = UserFactory(email=address)
            actions.start_account(user=user, guest_key=None)
    assert len(seen) <= 10


def test_another_spelling_of_the_mailbox_is_no_move():
    user = UserFactory(email="ada@gmail.com")
    open_item(account_key(user), "a")
    move(user, "a.d.a@gmail.com")
    assert not DeletedAllowance.objects.exists()


def test_an_export_holds_all_that_is_kept_about_an_account():
    user, editor = UserFactory(), EditorFactory()
    open_item(account_key(user), "a")
    more = actions.ask_for_more(user=user, meter="code_page", message="An audit")
    actions.grant_request(request=more, limit=50, author=editor)
    export = json.loads(json.dumps(actions.export_reader(user=user), cls=DjangoJSONEncoder))
    assert export["openings"][0]["opened"] == ["a"]
    assert export["overrides"][0]["limit"] == 50
    assert export["requests_for_more"][0]["message"] == "An audit"
    actions.forget_reader(user=user)
    assert actions.export_reader(user=user) == {"openings": [], "overrides": [], "requests_for_more": []}


# --- Asking for more --------------------------------------------------------------------------------------------


def test_a_granted_request_becomes_an_override_and_a_mail(django_capture_on_commit_callbacks):
    user, editor = UserFactory(), EditorFactory()
    more = actions.ask_for_more(user=user, meter="code_page", message="An audit")
    with django_capture_on_commit_callbacks(execute=True):
        override = actions.grant_request(request=more, limit=50, author=editor)
    assert (override.limit, override.author, override.reason) == (50, editor, "Asked for more: An audit")
    more.refresh_from_db()
    assert (more.decision, more.decided_by, more.override) == ("granted", editor, override)
    assert mail.outbox[0].to == [user.email]
    assert "50 page views" in mail.outbox[0].body


def test_a_declined_request_is_answered_too(django_capture_on_commit_callbacks):
    more = actions.ask_for_more(user=UserFactory(), meter="code_page", message="An audit")
    with django_capture_on_commit_callbacks(execute=True):
        actions.decline_request(request=more, author=EditorFactory())
    assert not AllowanceOverride.objects.exists()
    assert "could not grant it" in mail.outbox[0].body


def test_a_mail_server_that_is_down_undoes_no_decision(django_capture_on_commit_callbacks, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("connection refused")

    monkeypatch.setattr(actions, "send_mail", fail)
    more = actions.ask_for_more(user=UserFactory(), meter="code_page", message="An audit")
    with django_capture_on_commit_callbacks(execute=True):
        actions.grant_request(request=more, limit=50, author=EditorFactory())
    assert AllowanceOverride.objects.exists()


def test_a_request_is_decided_once():
    more = actions.ask_for_more(user=UserFactory(), meter="code_page", message="An audit")
    actions.decline_request(request=more, author=EditorFactory())
    with pytest.raises(actions.AlreadyDecided):
        actions.grant_request(request=more, limit=50, author=EditorFactory())


def test_an_account_has_one_request_waiting():
    user = UserFactory()
    actions.ask_for_more(user=user, meter="code_page", message="An audit")
    with pytest.raises(actions.CannotAsk, match="still waiting"):
        actions.ask_for_more(user=user, meter="code_page", message="Please")
    assert MoreRequest.objects.count() == 1


def test_an_account_may_ask_three_times_a_month():
    user = UserFactory()
    for _ in range(3):
        more = actions.ask_for_more(user=user, meter="code_page", message="An audit")
        actions.decline_request(request=more, author=EditorFactory())
    with pytest.raises(actions.CannotAsk, match="3 times in 30 days"):
        actions.ask_for_more(user=user, meter="code_page", message="Please")
    with time_machine.travel("2026-12-11", tick=False):
        actions.ask_for_more(user=user, meter="code_page", message="Please")


# --- The database refuses ---------------------------------------------------------------------------------------


def test_an_override_needs_a_reason():
    with pytest.raises(IntegrityError, match="override_has_a_reason"), transaction.atomic():
        actions.grant(user=UserFactory(), meter="code_page", limit=1, reason="", author=None)


def test_an_override_needs_a_window_that_there_is():
    with pytest.raises(IntegrityError, match="override_window_is_known"), transaction.atomic():
        actions.grant(user=UserFactory(), meter="code_page", limit=1, reason="x", author=None, window="year")


def test_a_reader_has_one_row_a_window():
    open_item("u:1", "a")
    again = Allowance(reader_key="u:1", meter="code_page", window_start=window_start("month", today()))
    again.created_on = today()
    with pytest.raises(IntegrityError, match="allowance_once_per_window"), transaction.atomic():
        again.save()


def test_an_account_has_one_open_request():
    user = UserFactory()
    MoreRequest.objects.create(user=user, message="a")
    with pytest.raises(IntegrityError, match="more_request_one_open_per_account"), transaction.atomic():
        MoreRequest.objects.create(user=user, message="b")


# --- Purging ----------------------------------------------------------------------------------------------------


def allowance(reader_key: str, start: str, created_on: str | None = None) -> Allowance:
    row = Allowance(reader_key=reader_key, meter="code_page", window_start=start, created_on=created_on or start)
    row.save()
    return row


def test_windows_that_are_over_are_purged_in_batches():
    for number in range(7):
        allowance(f"g:{number}", "2026-10-01")
    allowance("g:a day", "2026-10-31")
    kept = [allowance("g:now", "2026-11-01"), allowance("u:a day", "2026-11-09")]
    assert actions.purge(batch_size=3).allowances == 8
    assert list(Allowance.objects.order_by("id")) == kept


def test_last_month_is_kept_until_the_second():
    allowance("g:late", "2026-11-01")
    with time_machine.travel("2026-12-01T00:00:01Z", tick=False):
        assert actions.purge().allowances == 0
    with time_machine.travel("2026-12-02", tick=False):
        assert actions.purge().allowances == 1


def test_a_window_that_never_ends_is_kept_for_accounts_and_for_guests_whose_cookie_lives():
    kept = [
        allowance("u:1", EVER.isoformat(), "2020-01-01"),
        allowance("g:young", EVER.isoformat(), "2026-01-01"),
    ]
    allowance("g:old", EVER.isoformat(), "2025-01-01")
    assert actions.purge().allowances == 1
    assert list(Allowance.objects.order_by("id")) == kept


def test_networks_are_forgotten_the_day_after():
    NetworkDay.objects.create(day="2026-11-09", network="a", guests=1)
    NetworkDay.objects.create(day="2026-11-10", network="a", guests=1)
    assert actions.purge().networks == 1
    assert NetworkDay.objects.get().day == datetime.date(2026, 11, 10)


def test_a_memory_that_never_ends_is_kept(meter):
    meter["windows"] = {"guest": "month", "registered": "ever"}
    DeletedAllowance.objects.create(address_digest="a", meter="code_page", window_start=EVER, expires_on=None)
    assert actions.purge().memories == 0
