"""A production site whose addresses lead elsewhere is told so before it starts."""

import pytest

from codingahead.checks import check_site_url


@pytest.mark.parametrize("url", ["https://codingahead.example", "https://www.codingahead.example:8443"])
def test_an_address_of_the_site_is_accepted(settings, url: str) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS = url, ["codingahead.example", "www.codingahead.example"]
    assert check_site_url(None) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",  # the default, which is right for development only
        "http://codingahead.example",
        "https://elsewhere.example",
        "https://codingahead.example/reference",
        "codingahead.example",
        "",
    ],
)
def test_any_other_address_is_named(settings, url: str) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS = url, ["codingahead.example"]
    [warning] = check_site_url(None)
    assert (warning.id, repr(url) in warning.msg) == ("codingahead.W001", True)
