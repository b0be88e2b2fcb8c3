import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client, override_settings
from django.urls import clear_url_caches

from codingahead import urls


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A development server's mail folder; its address exists only while DEBUG is on."""
    with override_settings(DEBUG=True, EMAIL_FILE_PATH=tmp_path):
        _reload_urls()
        yield tmp_path
    _reload_urls()


def _reload_urls() -> None:
    importlib.reload(urls)
    clear_url_caches()


def _file_backend(folder: Path) -> BaseEmailBackend:
    return get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=folder)


def _send(backend: BaseEmailBackend, subject: str, body: str) -> None:
    backend.send_messages([EmailMultiAlternatives(subject, body, "site@x.example", ["reader@codingahead.example"])])


@pytest.mark.django_db
def test_the_page_does_not_exist_in_production(client: Client) -> None:
    assert client.get("/dev/mail/").status_code == 404


@pytest.mark.django_db
def test_the_view_refuses_even_when_its_address_was_left_in(client: Client, folder: Path) -> None:
    with override_settings(DEBUG=False):
        assert client.get("/dev/mail/").status_code == 404


@pytest.mark.django_db
def test_no_mail_yet_is_said_in_words(client: Client, folder: Path) -> None:
    assert "No mail yet" in client.get("/dev/mail/").content.decode()


@pytest.mark.django_db
def test_the_newest_mail_comes_first_with_links_and_codes_to_read(client: Client, folder: Path) -> None:
    backend = _file_backend(folder)
    _send(backend, "First", "Your code is 123456 – naïve é")
    _send(
        backend,
        "Second",
        "Go to https://codingahead.example/accounts/?next=%2Fcpt%2F38570%2F&a=1\n<script>alert(1)</script>",
    )
    page = client.get("/dev/mail/").content.decode()
    assert page.index("Second") < page.index("First")
    assert "123456 – naïve é" in page
    assert 'href="https://codingahead.example/accounts/?next=%2Fcpt%2F38570%2F&amp;a=1"' in page
    assert "<script>alert" not in page


@pytest.mark.django_db
def test_mails_of_one_connection_are_taken_apart(client: Client, folder: Path) -> None:
    backend = _file_backend(folder)
    backend.open()
    _send(backend, "First", "one")
    _send(backend, "Second", "two")
    backend.close()
    mails = client.get("/dev/mail/").context["mails"]
    assert [mail.subject for mail in mails] == ["Second", "First"]
