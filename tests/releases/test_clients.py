"""Downloading, against a server on this machine that plays the publisher."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from releases.clients import download
from releases.importers import ReleaseError, quiet


class Publisher(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {
            "/file.txt?v=2": (200, {"Content-Length": "4"}, b"data"),
            "/moved": (302, {"Location": "/file.txt?v=2"}, b""),
            "/leaves": (302, {"Location": "http://example.com/"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/short": (200, {"Content-Length": "400"}, b"data"),
            "/endless": (200, {}, b"x" * 300_000),
        }
        status, headers, body = answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server without a certificate; the client believes that it speaks TLS."""

    class Plain(http.client.HTTPConnection):
        def __init__(self, *args: Any, context: object, **options: Any) -> None:
            super().__init__(*args, **options)

    monkeypatch.setattr(http.client, "HTTPSConnection", Plain)
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/file.txt?v=2", "/moved"])
def test_a_file_is_saved_and_its_progress_told(publisher: str, tmp_path: Path, path: str) -> None:
    seen: list[tuple[str, int, int | None]] = []
    download(publisher + path, tmp_path / "a", progress=lambda *args: seen.append(args))
    assert (tmp_path / "a").read_bytes() == b"data"
    assert seen == [("Downloading", 4, 4)]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/leaves", "http://example.com/ is no https address"),
        ("/loop", "after more than 5 redirects"),
        ("/nothing", "answered 404"),
        ("/short", "could not be downloaded: IncompleteRead|ended after 4 of 400 bytes"),
        ("/endless", "is larger than 0 MB"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(publisher: str, tmp_path: Path, path: str, problem: str) -> None:
    with pytest.raises(ReleaseError, match=problem):
        download(publisher + path, tmp_path / "a", progress=quiet, max_bytes=100_000)


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.zip", "file:///etc/passwd", "ftp://127.0.0.1/", "https://"])
def test_only_https_is_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(ReleaseError, match="is no https address"):
        download(url, tmp_path / "a", progress=quiet)


def test_a_server_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"https://127\.0\.0\.1:9/ could not be downloaded"):
        download("https://127.0.0.1:9/", tmp_path / "a", progress=quiet)
