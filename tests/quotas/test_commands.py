import io
import json
from email.message import Message
from http.client import BadStatusLine
from urllib.response import addinfourl

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection

from quotas.models import Allowance, CrawlerNetwork

pytestmark = pytest.mark.django_db


@pytest.fixture
def prefix_file(tmp_path):
    def write(name: str, *prefixes: str, text: str | None = None) -> str:
        rows = [{"ipv6Prefix" if ":" in prefix else "ipv4Prefix": prefix} for prefix in prefixes]
        path = tmp_path / name
        path.write_text(json.dumps({"creationTime": "2026-11-01T00:00:00", "prefixes": rows}) if text is None else text)
        return str(path)

    return write


def networks() -> set[tuple[str, str]]:
    return set(CrawlerNetwork.objects.values_list("engine", "network"))


def test_crawlers_are_read_from_the_engines_own_files(prefix_file, capsys):
    google = prefix_file("googlebot.json", "2001:4860:4801:10::/64", "66.249.64.0/27")
    bing = prefix_file("bingbot.json", "157.55.39.0/24")
    call_command("refresh_crawlers", google, bing)
    assert networks() == {
        ("googlebot", "2001:4860:4801:10::/64"),
        ("googlebot", "66.249.64.0/27"),
        ("bingbot", "157.55.39.0/24"),
    }
    assert capsys.readouterr().out == "googlebot: 2 networks.\nbingbot: 1 networks.\n"


def test_a_new_file_replaces_what_was_known_of_its_engine_only(prefix_file):
    call_command("refresh_crawlers", prefix_file("googlebot.json", "66.249.64.0/27"))
    call_command("refresh_crawlers", prefix_file("bingbot.json", "157.55.39.0/24"))
    call_command("refresh_crawlers", prefix_file("new.json", "66.249.64.32/27"), engine="googlebot")
    assert networks() == {("googlebot", "66.249.64.32/27"), ("bingbot", "157.55.39.0/24")}


@pytest.mark.parametrize(
    ("name", "prefixes", "text", "sentence"),
    [
        ("user-triggered-fetchers.json", ["66.249.64.0/27"], None, "user-triggered"),
        ("googlebot.json", [], None, "lists no prefix"),
        ("googlebot.json", [], "<html>", "not a prefix file"),
        ("googlebot.json", [], "[]", "not a prefix file"),
        ("googlebot.json", [], '{"prefixes": [{"x": 1}]}', "not a prefix file"),
        ("googlebot.json", [], '{"prefixes": ["66.249.64.0/27"]}', "not a prefix file"),
        ("googlebot.json", [], "x" * 5_000_001, "larger than"),
        ("googlebot.json", ["0.0.0.0/0"], None, "cannot be the network of a crawler"),
        ("googlebot.json", ["66.0.0.0/8"], None, "cannot be the network of a crawler"),
        ("googlebot.json", ["10.0.0.0/24"], None, "cannot be the network of a crawler"),
        ("googlebot.json", ["2001::/16"], None, "cannot be the network of a crawler"),
        ("googlebot.json", ["66.249.64.1/27"], None, "has host bits set"),
    ],
)
def test_a_file_that_is_no_crawlers_changes_nothing(prefix_file, name, prefixes, text, sentence):
    call_command("refresh_crawlers", prefix_file("googlebot.json", "66.249.64.0/27"))
    with pytest.raises(CommandError, match=sentence) as stopped:
        call_command("refresh_crawlers", prefix_file(name, *prefixes, text=text))
    assert "Nothing was changed" in str(stopped.value)
    assert networks() == {("googlebot", "66.249.64.0/27")}


def test_a_name_for_the_engine_makes_no_crawler_of_a_fetcher(prefix_file):
    with pytest.raises(CommandError, match="user-triggered"):
        call_command("refresh_crawlers", prefix_file("user-triggered-fetchers.json", "66.249.64.0/27"), engine="google")


def test_one_bad_file_of_two_changes_nothing(prefix_file):
    good, bad = prefix_file("googlebot.json", "66.249.64.0/27"), prefix_file("bingbot.json")
    with pytest.raises(CommandError):
        call_command("refresh_crawlers", good, bad)
    assert networks() == set()


def test_a_file_that_is_not_there_is_one_sentence():
    with pytest.raises(CommandError, match="No such file"):
        call_command("refresh_crawlers", "missing.json")


def test_only_https_is_fetched():
    with pytest.raises(CommandError, match="only https"):
        call_command("refresh_crawlers", "http://example.com/googlebot.json")


def test_an_engine_names_one_file(prefix_file):
    file = prefix_file("googlebot.json", "66.249.64.0/27")
    with pytest.raises(CommandError, match="one file"):
        call_command("refresh_crawlers", file, file, engine="googlebot")


def test_purging_says_what_went(capsys):
    Allowance.objects.create(reader_key="g:1", meter="code_page", window_start="2020-01-01", created_on="2020-01-01")
    call_command("purge_quotas", batch_size=1)
    assert capsys.readouterr().out == "Purged 1 allowance, 0 network days and what 0 mailboxes remembered.\n"


def test_migrating_makes_the_shared_cache_and_takes_it_away_again():
    cache.set("a", 1)
    assert cache.get("a") == 1
    call_command("migrate", "quotas", "0001", verbosity=0)
    assert "cache" not in connection.introspection.table_names()
    call_command("migrate", "quotas", verbosity=0)
    assert "cache" in connection.introspection.table_names()


def test_ledger_rows_leave_room_for_their_next_version():
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname IN ('quotas_allowance', 'quotas_networkday')")
        assert cursor.fetchall() == [(["fillfactor=70"],)] * 2


def test_a_crawler_is_looked_up_in_an_index():
    CrawlerNetwork.objects.bulk_create(
        CrawlerNetwork(engine="x", network=f"66.{n // 256}.{n % 256}.0/24") for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE quotas_crawlernetwork")
        cursor.execute("EXPLAIN SELECT engine FROM quotas_crawlernetwork WHERE network >>= '66.1.2.3'::inet")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "crawler_network_lookup" in plan


def test_an_https_address_is_fetched_and_named_after_its_file(monkeypatch):
    asked = []

    def answer(request, timeout):
        asked.append(request.full_url)
        return io.BytesIO(b'{"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}]}')

    monkeypatch.setattr("quotas.crawlers.OPENER.open", answer)
    call_command("refresh_crawlers", "https://example.com/ranges/googlebot.json?x=1")
    assert asked == ["https://example.com/ranges/googlebot.json?x=1"]
    assert networks() == {("googlebot", "66.249.64.0/27")}


def test_a_redirect_that_leaves_https_is_not_followed(monkeypatch):
    def redirect(handler, request):
        headers = Message()
        headers["Location"] = "http://example.org/googlebot.json"
        answer = addinfourl(io.BytesIO(), headers, request.full_url, 302)
        answer.msg = "Found"  # type: ignore[attr-defined]  # urllib reads it, the stubs do not know it
        return answer

    monkeypatch.setattr("urllib.request.HTTPSHandler.https_open", redirect)
    with pytest.raises(CommandError, match=r"http://example\.org/googlebot\.json: only https.*Nothing was changed"):
        call_command("refresh_crawlers", "https://example.com/googlebot.json")


@pytest.mark.parametrize("error", [OSError("timed out"), BadStatusLine("timed out"), ValueError("timed out")])
def test_a_site_that_does_not_answer_changes_nothing(monkeypatch, error):
    def fail(request, timeout):
        raise error

    monkeypatch.setattr("quotas.crawlers.OPENER.open", fail)
    with pytest.raises(CommandError, match=r"timed out.*\. Nothing was changed"):
        call_command("refresh_crawlers", "https://example.com/googlebot.json")
