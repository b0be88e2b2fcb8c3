"""The law of docs/quotas.md, asked for through the whole middleware."""

import copy
import datetime

import pytest
import time_machine
from django.core.signing import TimestampSigner
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.test import Client

from quotas import actions, middleware
from quotas.models import Allowance, CrawlerNetwork, NetworkDay
from quotas.readers import GUEST_COOKIE
from quotas.windows import today, window_start
from tests.factories import EditorFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.quotas.urls")]


@pytest.fixture
def account(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def meter(settings):
    """The settings of the meter, to change for one test."""
    settings.QUOTA_METERS = copy.deepcopy(settings.QUOTA_METERS)
    return settings.QUOTA_METERS["code_page"]


def ledger() -> list[list[str]]:
    return list(Allowance.objects.order_by("id").values_list("opened", flat=True))


def guests_counted() -> int:
    return sum(NetworkDay.objects.values_list("guests", flat=True))


# --- The allowance ----------------------------------------------------------------------------------------------


def test_a_guest_sees_one_page_and_then_the_wall(client):
    assert client.get("/things/a/").content == b"page guest 1/1"
    wall = client.get("/things/b/")
    assert wall.status_code == 403
    assert wall.content == b"wall guest 1/1"
    assert ledger() == [["thing:a"]]


def test_looking_again_is_free(client):
    for _ in range(3):
        assert client.get("/things/a/").content == b"page guest 1/1"
    assert ledger() == [["thing:a"]]


def test_an_account_sees_five_pages_and_then_the_wall(client, account):
    for number in range(1, 6):
        assert client.get(f"/things/{number}/").content == f"page registered {number}/5".encode()
    assert client.get("/things/6/").content == b"wall registered 5/5"
    assert client.get("/things/3/").content == b"page registered 5/5"


def test_editors_are_not_metered(client):
    client.force_login(EditorFactory())
    for number in range(9):
        assert client.get(f"/things/{number}/").content == b"page unlimited 0/None"
    assert ledger() == []


def test_a_page_that_costs_nothing_says_truly_what_is_left(client):
    assert client.get("/things/free/").content == b"page guest 0/1"
    client.get("/things/a/")
    assert client.get("/things/free/").content == b"page guest 1/1"
    assert client.get("/things/free-too/").status_code == 200
    assert ledger() == [["thing:a"]]


def test_a_guest_limit_of_nothing_is_a_wall_that_leaves_no_trace(client, meter):
    meter["limits"] = {"guest": 0, "registered": 5}
    assert client.get("/things/a/").content == b"wall guest 0/0"
    assert ledger() == []
    assert guests_counted() == 0
    assert GUEST_COOKIE not in client.cookies


def test_an_account_whose_limit_fell_below_what_it_used_keeps_what_is_open(client, account):
    for number in range(3):
        client.get(f"/things/{number}/")
    actions.grant(user=account, meter="code_page", limit=2, reason="a test", author=None)
    assert client.get("/things/1/").content == b"page registered 3/2"
    assert client.get("/things/new/").content == b"wall registered 3/2"


@pytest.mark.parametrize("limit", [None, 7])
def test_an_override_beats_the_tier(client, account, limit):
    actions.grant(user=account, meter="code_page", limit=limit, reason="a test", author=None)
    answers = [client.get(f"/things/{number}/").status_code for number in range(8)]
    assert answers == [200] * 7 + [200 if limit is None else 403]


def test_an_override_ends_on_its_last_day(client, account):
    with time_machine.travel("2026-11-10", tick=False):
        day = datetime.date(2026, 11, 10)
        actions.grant(user=account, meter="code_page", limit=0, reason="a test", author=None, ends_on=day)
        assert client.get("/things/a/").content == b"wall registered 0/0"
    with time_machine.travel("2026-11-11", tick=False):
        assert client.get("/things/a/").content == b"page registered 1/5"


def test_an_override_may_change_the_window(client, account):
    actions.grant(user=account, meter="code_page", limit=1, window="day", reason="a test", author=None)
    with time_machine.travel("2026-11-10", tick=False):
        client.get("/things/a/")
        assert client.get("/things/b/").status_code == 403
    with time_machine.travel("2026-11-11", tick=False):
        assert client.get("/things/b/").status_code == 200


# --- Windows ----------------------------------------------------------------------------------------------------


def test_a_new_month_in_utc_brings_everything_back(client):
    with time_machine.travel("2026-11-30T23:59:59Z", tick=False):
        client.get("/things/a/")
        assert client.get("/things/b/").status_code == 403
    with time_machine.travel("2026-12-01T00:00:00Z", tick=False):
        assert client.get("/things/b/").content == b"page guest 1/1"
        assert client.get("/things/a/").status_code == 403


@pytest.mark.parametrize(("window", "tomorrow"), [("day", 200), ("month", 403), ("ever", 403)])
def test_a_window_lasts_as_long_as_it_says(client, meter, window, tomorrow):
    meter["windows"] = {"guest": window, "registered": "month"}
    with time_machine.travel("2026-11-10", tick=False):
        client.get("/things/a/")
    with time_machine.travel("2026-11-11", tick=False):
        assert client.get("/things/b/").status_code == tomorrow


def test_ever_means_ever_for_an_account(client, meter):
    meter["windows"] = {"guest": "month", "registered": "ever"}
    meter["limits"] = {"guest": 1, "registered": 1}
    user = UserFactory()
    with time_machine.travel("2026-11-10", tick=False):
        client.force_login(user)
        assert client.get("/things/a/").status_code == 200
    with time_machine.travel("2031-01-01", tick=False):
        client.force_login(user)
        assert client.get("/things/b/").content == b"wall registered 1/1"


# --- What costs nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"), [("/things/missing/", 404), ("/things/old/", 302), ("/things/invalid/", 400), ("/plain/", 200)]
)
def test_what_is_not_a_page_costs_nothing(client, path, status):
    assert client.get(path).status_code == status
    assert ledger() == []
    assert guests_counted() == 0
    assert GUEST_COOKIE not in client.cookies


def test_head_is_answered_empty_and_uncounted(client):
    answer = client.head("/things/a/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.head("/things/missing/").status_code == 404
    assert client.head("/things/old/").status_code == 302
    assert ledger() == []


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
@pytest.mark.parametrize("path", ["/things/a/", "/bare/a/"])
def test_other_methods_are_refused_uncounted(client, method, path):
    assert getattr(client, method)(path).status_code == 405
    assert ledger() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"sec-fetch-dest": "image"},
        {"sec-fetch-dest": "empty"},
        {"sec-fetch-dest": "iframe"},
        {"sec-fetch-dest": ""},
        {"sec-fetch-dest": "document", "sec-purpose": "Prefetch"},
    ],
)
def test_what_is_not_a_navigation_gets_nothing_and_costs_nothing(client, headers):
    answer = client.get("/things/a/", headers=headers)
    assert (answer.status_code, answer.content) == (503, b"")
    assert answer["Cache-Control"] == "no-store"
    assert "Sec-Fetch-Dest" in answer["Vary"]
    assert ledger() == []


def test_a_navigation_is_shown(client):
    assert client.get("/things/a/", headers={"sec-fetch-dest": "document"}).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/things/broken/", 500), ("/things/teapot/", 418)])
def test_a_page_that_could_not_be_shown_costs_a_guest_nothing(client, path, status):
    client.raise_request_exception = False
    assert client.get(path).status_code == status
    assert Allowance.objects.count() == 0
    assert guests_counted() == 0
    assert GUEST_COOKIE not in client.cookies


def test_a_page_that_could_not_be_shown_costs_an_account_nothing(client, account):
    client.raise_request_exception = False
    client.get("/things/a/")
    assert client.get("/things/broken/").status_code == 500
    assert ledger() == [["thing:a"]]


def test_an_error_on_a_page_that_was_open_already_closes_nothing(client, account):
    client.raise_request_exception = False
    actions.admit(
        reader_key=f"u:{account.pk}",
        meter="code_page",
        item="thing:broken",
        limit=5,
        window_start=window_start("month", today()),
    )
    assert client.get("/things/broken/").status_code == 500
    assert ledger() == [["thing:broken"]]


def test_an_opening_that_cannot_be_taken_back_is_only_logged(client, monkeypatch, caplog):
    client.raise_request_exception = False

    def fail(opening):
        raise OperationalError("gone")

    monkeypatch.setattr(actions, "take_back", fail)
    assert client.get("/things/broken/").status_code == 500
    assert "could not be taken back" in caplog.text


def test_a_worker_that_is_told_to_stop_takes_the_opening_back(rf):
    def stop(request):
        request.metered_opening = opening
        raise SystemExit

    opening = actions.Opening("u:1", "code_page", "thing:a", window_start("month", today()))
    actions.admit(reader_key="u:1", meter="code_page", item="thing:a", limit=5, window_start=opening.window_start)
    with pytest.raises(SystemExit):
        middleware.QuotaMiddleware(stop)(rf.get("/"))
    assert ledger() == [[]]


# --- Headers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/things/a/", "/things/b/", "/things/free/"])
def test_metered_answers_are_kept_by_nobody(client, path):
    client.get("/things/a/")
    answer = client.get(path)
    assert answer["Cache-Control"] == "private, no-store"
    assert "Cookie" in answer["Vary"]


def test_the_wall_is_not_indexed(client):
    client.get("/things/a/")
    assert client.get("/things/b/")["X-Robots-Tag"] == "noindex, noarchive"


# --- Guests -----------------------------------------------------------------------------------------------------


def test_a_guest_gets_a_cookie_that_scripts_and_other_sites_cannot_use(client, settings):
    settings.HTTPS = True
    cookie = client.get("/things/a/").cookies[GUEST_COOKIE]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 400 * 24 * 60 * 60


@pytest.mark.parametrize("path", ["/plain/", "/things/free/", "/things/missing/", "/usage/", "/"])
def test_a_guest_gets_no_cookie_before_a_metered_page_was_opened(client, path):
    client.get(path)
    assert GUEST_COOKIE not in client.cookies


def test_a_cookie_is_set_once(client):
    assert GUEST_COOKIE in client.get("/things/a/").cookies
    assert GUEST_COOKIE not in client.get("/things/a/").cookies
    assert GUEST_COOKIE not in client.get("/things/b/").cookies


def cookie_signed_with(key: str = "", salt: str = "quotas.guest", guest: str = "A" * 22) -> str:
    return TimestampSigner(key=key or None, salt=salt).sign(guest)


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "A" * 22,
        "A" * 22 + ":1:x",
        cookie_signed_with(key="another site's key"),
        cookie_signed_with(salt="django.contrib.messages"),
        cookie_signed_with(guest="short"),
        "é" * 9,
        "A" * 5000,
    ],
    ids=["empty", "word", "unsigned", "forged", "foreign key", "foreign salt", "no id of ours", "not ascii", "long"],
)
def test_a_cookie_that_we_did_not_make_is_no_cookie(client, cookie):
    client.cookies[GUEST_COOKIE] = cookie
    answer = client.get("/things/a/")
    assert answer.content == b"page guest 1/1"
    assert GUEST_COOKIE in answer.cookies
    assert guests_counted() == 1


def test_an_old_cookie_is_no_cookie(client):
    with time_machine.travel("2026-01-01", tick=False):
        client.get("/things/a/")
        old = client.cookies[GUEST_COOKIE].value
    with time_machine.travel("2027-02-06", tick=False):
        client.cookies[GUEST_COOKIE] = old
        assert GUEST_COOKIE in client.get("/things/a/").cookies


def test_a_cookie_from_before_a_key_was_changed_still_counts(client, settings):
    client.get("/things/a/")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key"
    assert client.get("/things/b/").content == b"wall guest 1/1"


def test_six_tabs_opened_at_once_without_a_cookie_are_six_guests():
    assert [Client().get("/things/a/").content for _ in range(6)] == [b"page guest 1/1"] * 6
    assert guests_counted() == 6
    assert Allowance.objects.count() == 6


def test_a_guest_who_logs_in_is_metered_as_the_account(client):
    client.get("/things/a/")
    client.force_login(UserFactory())
    assert client.get("/things/b/").content == b"page registered 1/5"
    client.logout()


# --- Networks ---------------------------------------------------------------------------------------------------


def test_a_network_may_bring_so_many_new_guests_a_day(settings):
    settings.QUOTA_GUESTS_PER_NETWORK = 2
    known = Client()
    with time_machine.travel("2026-11-10", tick=False):
        assert known.get("/things/a/").status_code == 200
        assert Client().get("/things/a/").status_code == 200
        assert Client().get("/things/a/").content == b"wall guest 0/1 network-full"
        assert known.get("/things/a/").status_code == 200
        assert Client(REMOTE_ADDR="127.0.0.2").get("/things/a/").status_code == 200
    with time_machine.travel("2026-11-11", tick=False):
        assert Client().get("/things/a/").status_code == 200


def test_a_network_that_is_full_writes_nothing_more(settings, django_assert_num_queries):
    settings.QUOTA_GUESTS_PER_NETWORK = 1
    Client().get("/things/a/")
    before = list(NetworkDay.objects.values_list("guests", flat=True))
    with django_assert_num_queries(1):
        answer = Client().get("/things/a/")
    assert GUEST_COOKIE not in answer.cookies
    assert list(NetworkDay.objects.values_list("guests", flat=True)) == before
    assert Allowance.objects.count() == 1


def test_an_account_is_never_stopped_by_its_network(client, account, settings):
    settings.QUOTA_GUESTS_PER_NETWORK = 1
    Client().get("/things/a/")
    assert client.get("/things/a/").status_code == 200


def test_the_56_bits_that_a_connection_gets_are_one_network(settings):
    settings.QUOTA_GUESTS_PER_NETWORK = 1
    assert Client(REMOTE_ADDR="2001:db8:0:1200::1").get("/things/a/").status_code == 200
    assert Client(REMOTE_ADDR="2001:db8:0:12ff::9").get("/things/a/").status_code == 403
    assert Client(REMOTE_ADDR="2001:db8:0:1300::1").get("/things/a/").status_code == 200


def test_a_network_cannot_be_read_or_linked_to_the_day_before():
    for day in ("2026-11-10", "2026-11-11"):
        with time_machine.travel(day, tick=False):
            Client().get("/things/a/")
    networks = NetworkDay.objects.values_list("network", flat=True)
    assert len(set(networks)) == 2
    assert not any("127" in network and "." in network for network in networks)


# --- Crawlers ---------------------------------------------------------------------------------------------------


def test_a_crawler_sees_the_guest_page_uncounted():
    CrawlerNetwork.objects.create(engine="googlebot", network="66.249.64.0/27")
    crawler = Client(REMOTE_ADDR="66.249.64.5")
    for name in "abc":
        assert crawler.get(f"/things/{name}/").content == b"page crawler 0/1"
    assert ledger() == []
    assert guests_counted() == 0
    assert GUEST_COOKIE not in crawler.cookies


def test_a_user_agent_is_never_believed(client):
    CrawlerNetwork.objects.create(engine="googlebot", network="66.249.64.0/27")
    agent = {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    client.get("/things/a/", headers=agent)
    assert client.get("/things/b/", headers=agent).status_code == 403


# --- Client addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoofed", ["9.9.9.9", "1.1.1.1, 9.9.9.9"])
def test_an_address_that_the_client_wrote_is_never_believed(settings, spoofed):
    settings.TRUSTED_PROXY_COUNT = 1
    settings.QUOTA_GUESTS_PER_NETWORK = 1
    Client(headers={"x-forwarded-for": "203.0.113.7"}).get("/things/a/")
    spoofer = Client(headers={"x-forwarded-for": f"{spoofed}, 203.0.113.7"})
    assert spoofer.get("/things/a/").status_code == 403


def test_a_header_is_not_looked_at_without_a_proxy(settings):
    settings.QUOTA_GUESTS_PER_NETWORK = 1
    Client(headers={"x-forwarded-for": "203.0.113.7"}).get("/things/a/")
    assert Client(headers={"x-forwarded-for": "203.0.113.8"}).get("/things/a/").status_code == 403


@pytest.mark.parametrize("header", [None, "", "203.0.113.7", "unknown, 10.0.0.1", "203.0.113.7:x, 10.0.0.1"])
@pytest.mark.parametrize("path", ["/things/a/", "/accounts/login/", "/"])
def test_a_request_that_did_not_come_through_our_proxies_is_a_bad_request(client, settings, header, path):
    settings.TRUSTED_PROXY_COUNT = 2
    answer = client.get(path, headers={} if header is None else {"x-forwarded-for": header})
    assert answer.status_code == 400
    assert b"X-Forwarded-For" in answer.content


def test_the_container_engine_may_ask_past_the_proxies(client, settings):
    settings.TRUSTED_PROXY_COUNT = 1
    assert client.get("/healthz").status_code != 400


# --- Budgets and failures ---------------------------------------------------------------------------------------


def test_a_guest_costs_one_query_new_or_known(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get("/things/a/")
    with django_assert_num_queries(1):
        client.get("/things/a/")
    with django_assert_num_queries(1):
        client.get("/things/b/")


def test_a_free_page_costs_a_guest_without_a_cookie_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/things/free/")


def test_an_account_costs_two_queries_beside_session_and_user(client, account, django_assert_num_queries):
    with django_assert_num_queries(4):
        client.get("/things/a/")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("where", ["visit", "find"])
def test_nothing_is_shown_when_the_database_is_down(client, monkeypatch, error, where):
    def fail(*args, **kwargs):
        raise error("connection refused")

    if where == "visit":
        monkeypatch.setattr(actions, "visit", fail)
    else:
        monkeypatch.setattr("tests.quotas.urls.Thing", fail)
    answer = client.get("/things/a/")
    assert answer.status_code == 503
    assert b"guest 1/1" not in answer.content
    assert answer["Cache-Control"] == "no-store"
    assert answer["Retry-After"] == "30"


@pytest.mark.parametrize("known", ["new guest", "guest", "account"])
def test_no_reader_sees_a_page_while_the_database_refuses_connections(client, monkeypatch, known):
    if known == "account":
        client.force_login(UserFactory())
    elif known == "guest":
        client.get("/things/a/")

    def refuse():
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    answer = client.get("/things/a/")
    assert answer.status_code == 503
    assert b"1/1" not in answer.content


@pytest.fixture
def read_only():
    """As after a failover to a standby, or when an operator froze the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")


def test_nothing_is_shown_when_the_database_only_reads(client, read_only):
    answer = client.get("/things/a/")
    assert answer.status_code == 503
    assert b"guest 1/1" not in answer.content


def test_any_view_that_meets_a_database_that_only_reads_answers_503(client, account, read_only):
    assert client.post("/usage/more/", {"meter": "code_page", "message": "An audit"}).status_code == 503


def test_other_errors_of_the_database_are_ours_and_no_503(client, monkeypatch):
    def fail(*args, **kwargs):
        raise InternalError("cache lookup failed")

    monkeypatch.setattr(actions, "visit", fail)
    with pytest.raises(InternalError):
        client.get("/things/a/")


def test_any_view_that_meets_a_database_that_is_down_answers_503(client, monkeypatch):
    def fail(reader):
        raise OperationalError("connection refused")

    monkeypatch.setattr("quotas.views.present_usage", fail)
    assert client.get("/usage/").status_code == 503


def test_a_metered_view_refuses_to_run_past_the_meter(client, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "QuotaMiddleware" not in name]
    with pytest.raises(Exception, match="past quotas"):
        client.get("/things/a/")
