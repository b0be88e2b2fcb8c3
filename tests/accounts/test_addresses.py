import pytest

from accounts.addresses import is_disposable, is_local


@pytest.mark.parametrize(
    "address", ["a@mailinator.com", "a@MAILINATOR.com", "a@sub.mailinator.com", "a@x.y.mailinator.com."]
)
def test_a_throw_away_domain_and_its_subdomains_are_known(address):
    assert is_disposable(address)


@pytest.mark.parametrize("address", ["a@example.com", "a@gmail.com", "a@notmailinator.com.example.org", "a@com"])
def test_other_domains_are_not_throw_away(address):
    assert not is_disposable(address)


@pytest.mark.parametrize("url", ["/", "/cpt/38570/", "/cpt/38570/#indications", "/codes/?q=lymph%20node", "/a b"])
def test_a_path_of_this_site_is_local(url):
    assert is_local(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//evil.example",
        "///evil.example",
        "https://evil.example/",
        "https:evil.example",
        "http:///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "cpt/38570/",
        "/cpt/\x0038570/",
        "/" + "a" * 2000,
    ],
)
def test_anything_that_could_lead_away_is_not_local(url):
    assert not is_local(url)
