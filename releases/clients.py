"""The publishers' web sites."""

import http.client
import ssl
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from releases.importers import Progress, ReleaseError

TIMEOUT = 30  # seconds without a byte
MAX_DOWNLOAD = 2 * 1024**3
MAX_REDIRECTS = 5


def download(url: str, to: Path, *, progress: Progress, max_bytes: int = MAX_DOWNLOAD) -> None:
    """Saves what an https address gives. Redirects may not leave https; a short or oversized answer is refused."""
    for _ in range(MAX_REDIRECTS + 1):
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise ReleaseError(f"{url} is no address: {error}.") from None
        if parts.scheme != "https" or not parts.hostname:
            raise ReleaseError(f"{url} is no https address. Download the file yourself and import it from disk.")
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=TIMEOUT, context=ssl.create_default_context()
        )
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        try:
            connection.request("GET", path, headers={"User-Agent": "CodingAhead/1 (release import)"})
            answer = connection.getresponse()
            if answer.status in {301, 302, 303, 307, 308}:
                url = urljoin(url, answer.headers.get("Location", ""))
                continue
            if answer.status != 200:
                raise ReleaseError(f"{url} answered {answer.status} {answer.reason}.")
            save(answer, to, url=url, progress=progress, max_bytes=max_bytes)
            return
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ReleaseError(f"{url} could not be downloaded: {error or type(error).__name__}.") from error
        finally:
            connection.close()
    raise ReleaseError(f"{url} was reached after more than {MAX_REDIRECTS} redirects. Refused.")


def save(answer: http.client.HTTPResponse, to: Path, *, url: str, progress: Progress, max_bytes: int) -> None:
    declared = answer.headers.get("Content-Length", "")
    total = int(declared) if declared.isdecimal() else None
    done = 0
    with to.open("wb") as stream:
        while chunk := answer.read(1 << 16):
            done += len(chunk)
            if done > max_bytes:
                raise ReleaseError(f"{url} is larger than {max_bytes >> 20} MB. Refused.")
            stream.write(chunk)
            progress("Downloading", done, total)
    if total is not None and done != total:
        raise ReleaseError(f"{url} ended after {done:,} of {total:,} bytes. Try again.")
