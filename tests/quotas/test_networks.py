import datetime
import ipaddress

import pytest
from django.test import RequestFactory, override_settings
from hypothesis import given
from hypothesis import strategies as st

from quotas.networks import UnknownAddress, client_address, network_digest, network_of, parse_address

DAY = datetime.date(2026, 11, 10)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\t", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:0db8:0000::0001", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:cb00:7107]:80", "203.0.113.7"),
    ],
)
def test_an_address_has_one_spelling(written, address):
    assert parse_address(written) == address


@pytest.mark.parametrize(
    "written",
    [
        "",
        "unknown",
        "_hidden",
        "example.com",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.7:",
        "203.0.113.7:http",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "2001:db8:::1",
        "203.0.113.7 203.0.113.8",
        "٢٠٣.0.113.7",
        "203.0.113.7:٨٠",
        "0x7f.1",
        "203.0.113.7/24",
    ],
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(UnknownAddress):
        parse_address(written)


@pytest.mark.parametrize(
    ("count", "header", "address"),
    [
        (0, "9.9.9.9", "127.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "9.9.9.9, 203.0.113.7", "203.0.113.7"),
        (1, "garbage from the client,,,203.0.113.7", "203.0.113.7"),
        (2, "9.9.9.9, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
    ],
)
def test_the_address_is_counted_from_the_right_by_our_own_proxies(settings, count, header, address):
    settings.TRUSTED_PROXY_COUNT = count
    assert client_address(RequestFactory().get("/", headers={"x-forwarded-for": header})) == address


@pytest.mark.parametrize("header", ["", "203.0.113.7"])
def test_a_header_that_is_too_short_is_refused(settings, header):
    settings.TRUSTED_PROXY_COUNT = 2
    with pytest.raises(UnknownAddress):
        client_address(RequestFactory().get("/", headers={"x-forwarded-for": header}))


ADDRESSES = st.ip_addresses().map(str)


@given(written=st.one_of(st.text(), ADDRESSES, st.text("0123456789abcdef:.[]% ")))
def test_any_text_is_an_address_or_is_refused(written):
    try:
        address = parse_address(written)
    except UnknownAddress:
        return
    assert parse_address(address) == address
    assert ipaddress.ip_address(address)


@given(spoofed=st.text(st.characters(max_codepoint=255)), address=ADDRESSES)
def test_nothing_that_a_client_writes_changes_its_address(spoofed, address):
    with override_settings(TRUSTED_PROXY_COUNT=1):
        plain = client_address(RequestFactory().get("/", headers={"x-forwarded-for": address}))
        claimed = client_address(RequestFactory().get("/", headers={"x-forwarded-for": f"{spoofed},{address}"}))
    assert claimed == plain


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.7/32"), ("2001:db8:0:12ff::9", "2001:db8:0:1200::/56"), ("::1", "::/56")],
)
def test_a_network_is_what_one_connection_gets(address, network):
    assert network_of(address) == network


def test_a_digest_is_the_same_for_a_network_on_a_day_and_for_nothing_else(settings):
    digest = network_digest("2001:db8::1", DAY)
    assert digest == network_digest("2001:db8:0:ff::9", DAY)
    assert digest != network_digest("2001:db8:0:100::1", DAY)
    assert digest != network_digest("2001:db8::1", DAY + datetime.timedelta(days=1))
    settings.SECRET_KEY = "another key"
    assert digest != network_digest("2001:db8::1", DAY)
