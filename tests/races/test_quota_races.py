"""64 requests at once against a limit of 5: what is shown, and what each reader is told, agrees with the ledger.

Each test that the statement passes has a control: a naive version, with a pause before its write, that fails it. So we
know that the tests can bite.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from quotas import actions
from quotas.admissions import Admission
from quotas.models import Allowance, AllowanceOverride, MoreRequest, NetworkDay
from quotas.readers import GUEST_COOKIE, account_key
from quotas.windows import today, window_start
from tests.factories import EditorFactory, UserFactory
from tests.races.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.quotas.urls")]

THREADS = 64
LIMIT = 5


@dataclass(frozen=True)
class Race:
    """What is asked for at once, after some items were opened in peace, and how many of them may be shown."""

    before: list[str]
    items: list[str]
    opened: int


RACES = {
    "64 distinct items": Race([], [f"thing:{n}" for n in range(THREADS)], opened=5),
    "one item 64 times": Race([], ["thing:1"] * THREADS, opened=1),
    "8 items 8 times each": Race([], [f"thing:{n % 8}" for n in range(THREADS)], opened=5),
    "64 items for the last slot": Race([f"old:{n}" for n in range(4)], [f"thing:{n}" for n in range(THREADS)], 5),
}
races = pytest.mark.parametrize("race", RACES.values(), ids=RACES)


@dataclass(frozen=True)
class Answer:
    """What one reader was told."""

    item: str
    allowed: bool
    used: int


def contradictions(race: Race, answers: list[Answer], opened: list[str]) -> list[str]:
    """Everything in which the ledger breaks the rule, or an answer disagrees with the ledger."""
    found = []
    if len(opened) != race.opened or len(set(opened)) != len(opened):
        found.append(f"The ledger holds {opened}.")
    for answer in answers:
        if answer.allowed != (answer.item in opened):
            found.append(f"{answer} though the ledger holds {opened}.")
        elif answer.allowed and not opened.index(answer.item) < answer.used <= len(opened):
            found.append(f"{answer} counts too few or too many of {opened}.")
        elif not answer.allowed and answer.used != LIMIT:
            found.append(f"{answer} was refused before the limit.")
    return found


def ledger_of(reader_key: str) -> list[str]:
    return Allowance.objects.get(reader_key=reader_key).opened


# --- The statement ----------------------------------------------------------------------------------------------


def run_statement(race: Race, admit) -> list[str]:
    start = window_start("month", today())
    known: dict[str, Any] = {"reader_key": "u:1", "meter": "code_page", "limit": LIMIT, "window_start": start}
    for item in race.before:
        actions.admit(item=item, **known)
    admissions = at_once([partial(admit, item=item, **known) for item in race.items])
    answers = [
        Answer(item, admission.allowed, admission.used) for item, admission in zip(race.items, admissions, strict=True)
    ]
    return contradictions(race, answers, ledger_of("u:1"))


@races
def test_the_statement_opens_exactly_what_the_limit_allows(race):
    assert run_statement(race, actions.admit) == []


def naive_admit(*, reader_key, meter, item, limit, window_start, **about):
    """Look first, then write: what anybody writes first."""
    row = Allowance.objects.of(reader_key, meter, window_start).first()
    opened = row.opened if row else []
    is_new = item not in opened
    allowed = not is_new or len(opened) < limit
    if is_new and allowed:
        time.sleep(0.2)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO quotas_allowance AS a (reader_key, meter, window_start, created_on, opened, carried)"
                " VALUES (%s, %s, %s, %s, ARRAY[%s], '{}')"
                " ON CONFLICT (reader_key, meter, window_start) DO UPDATE SET opened = a.opened || excluded.opened",
                [reader_key, meter, window_start, window_start, item],
            )
        opened = [*opened, item]
    return Admission(allowed, "registered", len(opened), limit, None, newly=is_new and allowed)


@races
def test_control_looking_first_and_writing_then_opens_too_much(race):
    assert run_statement(race, naive_admit) != []


STALE = """
WITH seen AS MATERIALIZED (
    SELECT opened FROM quotas_allowance
    WHERE reader_key = %(reader_key)s AND meter = %(meter)s AND window_start = %(window_start)s
), pause AS MATERIALIZED (SELECT pg_sleep(0.2)
), written AS (
    INSERT INTO quotas_allowance AS a (reader_key, meter, window_start, created_on, opened, carried)
    SELECT %(reader_key)s, %(meter)s, %(window_start)s, now(), ARRAY[%(item)s::text], '{}' FROM pause
    ON CONFLICT (reader_key, meter, window_start) DO UPDATE SET opened = a.opened || %(item)s::text
        WHERE NOT %(item)s = ANY(a.opened) AND cardinality(a.opened) < %(limit)s
    RETURNING opened
)
SELECT opened FROM written UNION ALL SELECT opened FROM seen WHERE NOT EXISTS (SELECT FROM written)
"""


def stale_admit(**known):
    """The ledger is right, but a request that lost the race answers from its old snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(STALE, known)
        (opened,) = cursor.fetchone() or ([],)
    return Admission(known["item"] in opened, "registered", len(opened), known["limit"], None)


@races
def test_control_a_condition_on_the_update_tells_readers_something_false(race):
    found = run_statement(race, stale_admit)
    assert found != []
    assert not any("The ledger holds" in contradiction for contradiction in found)


# --- The whole middleware ---------------------------------------------------------------------------------------


def run_requests(race: Race) -> list[str]:
    user = UserFactory()
    known = Client()
    known.force_login(user)
    start = window_start("month", today())
    for item in race.before:
        actions.admit(reader_key=account_key(user), meter="code_page", item=item, limit=LIMIT, window_start=start)

    def ask(item: str) -> Answer:
        client = Client()
        client.cookies = known.cookies
        text = client.get(f"/things/{item.removeprefix('thing:')}/").content.decode()
        kind, _, fraction = text.split(" ")
        return Answer(item, kind == "page", int(fraction.split("/")[0]))

    answers = at_once([partial(ask, item) for item in race.items])
    return contradictions(race, answers, ledger_of(account_key(user)))


@races
def test_each_of_64_answers_agrees_with_the_ledger(race):
    assert run_requests(race) == []


@races
def test_control_a_naive_meter_fails_the_same_requests(race, monkeypatch):
    monkeypatch.setattr(actions, "admit", naive_admit)
    assert run_requests(race) != []


def test_a_guest_with_a_cookie_who_opens_64_tabs_sees_one_page():
    first = Client()
    first.get("/things/0/")

    def ask(number: int) -> int:
        client = Client()
        client.cookies[GUEST_COOKIE] = first.cookies[GUEST_COOKIE].value
        return client.get(f"/things/{number}/").status_code

    assert at_once([partial(ask, number) for number in range(THREADS)]) == [200] + [403] * 63


# --- Networks ---------------------------------------------------------------------------------------------------


def run_guests() -> tuple[int, int]:
    answers = at_once([lambda: Client().get("/things/a/").status_code] * THREADS)
    return answers.count(200), NetworkDay.objects.get().guests


def test_a_network_brings_exactly_as_many_new_guests_as_it_may(settings):
    settings.QUOTA_GUESTS_PER_NETWORK = LIMIT
    assert run_guests() == (LIMIT, LIMIT)


def test_control_a_network_that_is_counted_naively_brings_more(settings, monkeypatch):
    settings.QUOTA_GUESTS_PER_NETWORK = LIMIT

    def admit_naively(opening, *, address, day):
        row, _ = NetworkDay.objects.get_or_create(day=day, network=opening.network, defaults={"guests": 0})
        if row.guests >= LIMIT:
            return False, False
        time.sleep(0.2)
        row.guests += 1
        row.save()
        return False, True

    monkeypatch.setattr(actions, "admit_newcomer", admit_naively)
    shown, _ = run_guests()
    assert shown > LIMIT


# --- Taking back, purging, deciding -----------------------------------------------------------------------------


def test_pages_that_break_at_once_leave_only_what_was_shown():
    user = UserFactory()
    known = Client()
    known.force_login(user)

    def ask(name: str) -> int:
        client = Client(raise_request_exception=False)
        client.cookies = known.cookies
        return client.get(f"/things/{name}/").status_code

    answers = at_once([partial(ask, name) for name in ["broken", "teapot", "1", "2"] * 8])
    assert set(answers[0::4]) == {500}
    assert set(answers[1::4]) == {418}
    assert set(answers[2::4]) == set(answers[3::4]) == {200}
    assert set(ledger_of(account_key(user))) == {"thing:1", "thing:2"}


def test_purging_disturbs_nobody():
    old = window_start("month", today().replace(year=2020))
    Allowance.objects.bulk_create(
        Allowance(reader_key=f"g:{n}", meter="code_page", window_start=old, created_on=old, opened=["thing:1"])
        for n in range(3000)
    )
    start = window_start("month", today())

    def read(number: int) -> int:
        known: dict[str, Any] = {
            "reader_key": f"u:{number}",
            "meter": "code_page",
            "limit": LIMIT,
            "window_start": start,
        }
        return sum(actions.admit(item=f"thing:{n}", **known).allowed for n in range(20))

    def purge() -> int:
        return actions.purge(batch_size=100).allowances

    calls: list[Callable[[], int]] = [purge, *(partial(read, number % 4) for number in range(16))]
    purged, *shown = at_once(calls)
    assert purged == 3000
    assert shown == [LIMIT] * 16
    assert Allowance.objects.count() == 4


def test_two_editors_cannot_grant_the_same_request_twice():
    editor, reader = EditorFactory(), UserFactory()
    more = actions.ask_for_more(user=reader, meter="code_page", message="An audit")

    def decide() -> bool:
        try:
            actions.grant_request(request=more, limit=50, author=editor)
        except actions.AlreadyDecided:
            return False
        return True

    assert at_once([decide] * 8).count(True) == 1
    assert AllowanceOverride.objects.count() == 1


def test_an_account_that_asks_twice_at_once_has_one_request():
    reader = UserFactory()

    def ask() -> bool:
        try:
            actions.ask_for_more(user=reader, meter="code_page", message="An audit")
        except actions.CannotAsk:
            return False
        return True

    assert at_once([ask] * 8).count(True) == 1
    assert MoreRequest.objects.count() == 1


# --- A connection that breaks -----------------------------------------------------------------------------------


def test_a_page_whose_connection_broke_costs_nothing(monkeypatch, client):
    def cut(request, thing):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr("tests.quotas.urls.break_down", cut)
    client.force_login(UserFactory())
    assert client.get("/things/broken/").status_code == 503
    assert Allowance.objects.get().opened == []
    assert client.get("/things/a/").content == b"page registered 1/5"
