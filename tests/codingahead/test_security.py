"""What every answer carries, and what hostile requests get: a clear answer, never a 500."""

import random
import string

import pytest
from django.test import Client, override_settings

from tests.factories import CodeFactory, EditorFactory, HeadingFactory, UserFactory

pytestmark = pytest.mark.django_db

NO_INLINE = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]


@pytest.fixture
def code():
    return CodeFactory(code="38570", described=True, sections=7, heading=HeadingFactory(slug="nodes"))


@pytest.mark.parametrize(
    "address", ["/", "/cpt/38570/", "/codes/", "/accounts/login/", "/accounts/signup/", "/no-such-page/", "/cpt/38579/"]
)
def test_every_page_carries_a_strict_content_security_policy(client, code, address):
    policy = client.get(address)["Content-Security-Policy"]
    for directive in NO_INLINE:
        assert directive in policy
    assert "unsafe" not in policy


def test_the_admin_carries_it_too(client):
    client.force_login(EditorFactory())
    response = client.get("/admin/")
    assert response.status_code == 200
    for directive in NO_INLINE:
        assert directive in response["Content-Security-Policy"]


def test_the_wall_carries_it_too(client, code):
    CodeFactory(code="38571", described=True)
    client.get("/cpt/38570/")
    response = client.get("/cpt/38571/")
    assert response.status_code == 403
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_no_page_has_inline_script_or_style(client, code):
    for address in [
        "/",
        "/cpt/38570/",
        "/codes/",
        "/codes/cpt/nodes/",
        "/lookup/?q=x",
        "/report/",
        "/about/",
        "/usage/",
    ]:
        html = client.get(address).content.decode()
        assert " style=" not in html, address
        assert " onclick=" not in html, address
        assert "<style" not in html, address
        assert html.count("<script") == html.count('<script type="module" src=') + html.count("ld+json"), address


@pytest.mark.parametrize("address", ["/", "/cpt/38570/", "/accounts/login/"])
def test_answers_may_not_be_framed_or_sniffed(client, code, address):
    response = client.get(address)
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@override_settings(HTTPS=True, SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True)
def test_cookies_are_secure_in_production(client, code):
    client.get("/cpt/38570/", secure=True)
    client.get("/accounts/login/", secure=True)
    assert {"guest", "csrftoken"} <= set(client.cookies)
    for cookie in client.cookies.values():
        assert cookie["secure"], cookie.key
        assert cookie["httponly"], cookie.key
        assert cookie["samesite"] == "Lax", cookie.key


def test_metered_answers_are_kept_by_nobody(client, code):
    response = client.get("/cpt/38570/")
    assert response["Cache-Control"] == "private, no-store"
    assert "Cookie" in response["Vary"]


# --- Hostile requests -------------------------------------------------------------------------------------------

ODD = [
    "%00",
    "%ff",
    "%c0%af",
    "..%2f..%2fetc%2fpasswd",
    "%F0%9F%92%A9",
    "a" * 3000,
    "%0d%0aSet-Cookie:x=1",
    "'",
    "<script>",
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "address",
    [
        "/cpt/{}/",
        "/hcpcs/{}/",
        "/{}/38570/",
        "/cpt/38570/?on={}",
        "/codes/{}/",
        "/codes/cpt/{}/",
        "/codes/cpt/nodes/?page={}",
        "/lookup/?q={}",
        "/report/?path={}",
        "/sitemap-{}.xml",
        "/accounts/login/?next={}",
        "/accounts/signup/?next={}",
        "/{}",
    ],
)
def test_odd_addresses_get_a_clear_answer(code, address, odd):
    response = Client().get(address.format(odd))
    assert response.status_code < 500
    assert "Set-Cookie:x" not in str(response.headers)
    assert b"<script>/" not in response.content


@pytest.mark.parametrize("name", ["guest", "sessionid", "csrftoken", "messages"])
@pytest.mark.parametrize("value", ["", "x", '"', "a:b:c", "x" * 4000, "\xff\xfe", ":" * 50, "eyJ9.x.y"])
def test_odd_cookies_get_a_page(code, name, value):
    client = Client()
    client.cookies[name] = value
    assert client.get("/cpt/38570/").status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1@evil.example", "a b", ""])
def test_a_foreign_host_is_refused(client, host, settings):
    settings.ALLOWED_HOSTS = ["codingahead.example"]
    assert client.get("/", headers={"host": host}).status_code == 400


def test_canonical_links_never_take_the_host_of_the_request(client, code, settings):
    settings.ALLOWED_HOSTS = ["*"]
    html = client.get("/cpt/38570/", headers={"host": "mirror.example"}).content.decode()
    assert "mirror.example" not in html


@pytest.mark.parametrize("address", ["/sitemap.xml", "/sitemap-codes.xml", "/sitemap-pages.xml", "/robots.txt"])
def test_what_crawlers_are_sent_to_never_takes_the_host_of_the_request(client, code, settings, address):
    settings.ALLOWED_HOSTS = ["other.example"]
    html = client.get(address, headers={"host": "other.example"}).content.decode()
    assert "http://127.0.0.1:8000/" in html
    assert "other.example" not in html


def test_random_bytes_as_a_form_get_a_clear_answer(client):
    noise = random.Random(7)  # noqa: S311 - repeatable noise
    for _ in range(30):
        body = bytes(noise.randrange(256) for _ in range(400))
        for address in ["/report/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]:
            for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"]:
                assert client.post(address, body, content_type=kind).status_code < 500


@pytest.mark.parametrize("address", ["/report/", "/accounts/login/", "/accounts/signup/"])
def test_a_huge_form_is_refused(client, address):
    fields = {"path": "/", "message": "x" * 3_000_000, "email": "x" * 3_000_000, "login": "x" * 3_000_000}
    assert client.post(address, fields).status_code in {400, 413}


def test_forms_need_their_token(code):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/report/", {"path": "/", "message": "x"})
    assert response.status_code == 403


def test_a_redirect_after_login_stays_on_the_site(client):
    user = UserFactory(email="coder@example.com")
    client.force_login(user)
    for target in [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
    ]:
        response = client.get("/accounts/login/", {"next": target})
        assert "evil.example" not in response.get("Location", "")
        assert "javascript" not in response.get("Location", "")


def test_a_random_walk_over_addresses_meets_no_error(code):
    noise = random.Random(11)  # noqa: S311 - repeatable noise
    alphabet = string.ascii_letters + string.digits + "/-_.%?=&+"
    client = Client()
    for _ in range(150):
        path = "/" + "".join(noise.choice(alphabet) for _ in range(noise.randrange(1, 40)))
        assert client.get(path.replace("%", "%25")).status_code < 500, path
