"""What a page costs: CPU of application and database per request, as a ratio to a bare Django view in the same round.

    python3 dev.py bench pages                   the pages against the bare view
    python3 dev.py bench pages --growth ledger   a guest's page as the ledger grows from 10 k to 5 M guests
    python3 dev.py bench pages --growth codes    the same as the codes grow from 100 to 100 k

Needs wrk (Debian: apt-get install wrk). Works in a database of its own, `codingahead_bench`, beside the one that
DATABASE_URL names, and drops it. CPU is read from /proc for the whole gunicorn tree and for the database's backends, so
run it on a quiet Linux machine. Rounds are interleaved and the median of the rounds' ratios is printed: on a shared
machine the times drift, the ratios hardly do.
"""

import argparse
import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "codingahead_bench"
TICKS = os.sysconf("SC_CLK_TCK")
PATH = "/cpt/38570/"


@dataclass(frozen=True)
class Case:
    """One kind of request: an address and the reader's cookie."""

    name: str
    path: str
    cookie: str = ""
    server: str = "site"  # or "minimal": behind almost no middleware
    expect: int = 200


@dataclass(frozen=True)
class Result:
    rate: float  # requests a second
    cpu: float  # milliseconds of CPU a request, application and database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--growth", choices=["ledger", "codes"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing. Install it: apt-get install wrk")
    with bench_database() as url, tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DATABASE_URL": url,
            "DEBUG": "0",
            "HTTPS": "0",
            "SECRET_KEY": "only-for-this-benchmark-0123456789-0123456789",
            "ALLOWED_HOSTS": "127.0.0.1",
            "QUOTA_GUESTS_PER_NETWORK": "1000000000",
            "BENCH_BODY": str(Path(folder) / "body"),
        }
        prepare(environment)
        if options.growth:
            growth(options.growth, environment, url, options.rounds, options.seconds)
        else:
            pages(environment, url, options.rounds, options.seconds)


def prepare(environment: dict[str, str]) -> None:
    """Tables, demo content, static files, and the body of the bare view: as long as a guest's code page."""
    manage(environment, "migrate", "-v0")
    manage(environment, "import_content", "fixtures/content")
    manage(environment, "collectstatic", "--noinput", "-v0")
    Path(environment["BENCH_BODY"]).write_bytes(b"x")
    with server(environment) as port:
        body = fetch(port, PATH)[1]
    Path(environment["BENCH_BODY"]).write_bytes(body)
    print(f"A guest's code page has {len(body):,} bytes; so has the bare view.")


def pages(environment: dict[str, str], url: str, rounds: int, seconds: int) -> None:
    """Each kind of page against the bare view."""
    with server(environment) as site, server(environment | {"BENCH_MIDDLEWARE": "none"}) as minimal:
        ports = {"site": site, "minimal": minimal}
        guest = cookies_after(site, [PATH])
        spent = cookies_after(site, [PATH])
        account = account_cookie(environment)
        cases = [
            Case("bare view, almost no middleware", "/bare/", server="minimal"),
            Case("bare view, whole middleware", "/bare/"),
            Case("guest, first visit (counts, writes)", PATH),
            Case("guest, looking again", PATH, guest),
            Case("account, looking again", PATH, account),
            Case("wall", "/cpt/99213/", spent, expect=403),
            Case("look-up with results", "/lookup/?q=lymph"),
            Case("home", "/"),
            Case("static file", static_path(site)),
        ]
        for case in cases:
            status = fetch(ports[case.server], case.path, case.cookie)[0]
            if status != case.expect:
                sys.exit(f"{case.name}: answered {status} instead of {case.expect}")
        results: dict[str, list[Result]] = {case.name: [] for case in cases}
        for _ in range(rounds):
            for case in cases:
                results[case.name].append(measure(ports[case.server], case, seconds, url))
    report(results, bases=["bare view, whole middleware", "bare view, almost no middleware"])


def fill_ledger(url: str, size: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        present = int(scalar(connection, "SELECT count(*) FROM quotas_allowance"))
        connection.execute(
            """INSERT INTO quotas_allowance (reader_key, meter, window_start, created_on, opened, carried)
               SELECT 'g:' || md5(n::text), 'code_page', date_trunc('month', now() AT TIME ZONE 'UTC')::date,
                      current_date, ARRAY['cpt:38570'], '{}'
               FROM generate_series(%s::bigint, %s::bigint) AS n ON CONFLICT DO NOTHING""",
            [present + 1, size],
        )
        connection.execute("VACUUM ANALYZE quotas_allowance")
        connection.execute("CHECKPOINT") if connection.info.parameter_status("is_superuser") == "on" else None


def fill_codes(url: str, size: int) -> None:
    """Codes with an entry and a published description each, in the system of 38570."""
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        connection.execute(
            """INSERT INTO codes_code (system_id, code, position, is_resequenced, is_addon, successors)
               SELECT (SELECT id FROM codes_codesystem WHERE slug = 'cpt'), 'X' || n, 'X' || n, false, false, '{}'
               FROM generate_series(1, %s) AS n ON CONFLICT DO NOTHING""",
            [size],
        )
        connection.execute(
            """INSERT INTO codes_entry
                   (code_id, title, sample_descriptor, is_sample, reviewed_by, version, imported_digest)
               SELECT id, 'Title of ' || code, '', true, '', 1, '' FROM codes_code ON CONFLICT DO NOTHING"""
        )
        connection.execute(
            """INSERT INTO codes_section (code_id, kind, text, html, status, updated_at, version, imported_digest)
               SELECT id, 'description', 'Text', '<p>Text</p>', 'published', now(), 1, '' FROM codes_code
               ON CONFLICT DO NOTHING"""
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


GROWTH = {
    "ledger": ("guests in the ledger", [10_000, 100_000, 1_000_000, 5_000_000], fill_ledger),
    "codes": ("codes", [100, 1_000, 10_000, 100_000], fill_codes),
}


def growth(of: str, environment: dict[str, str], url: str, rounds: int, seconds: int) -> None:
    """A guest's first visit and a second look while the ledger or the codes grow."""
    what, sizes, fill = GROWTH[of]
    results: dict[str, list[Result]] = {}
    for size in sizes:
        fill(url, size)
        with server(environment) as port:
            guest = cookies_after(port, [PATH])
            cases = [
                Case("bare view", "/bare/"),
                Case("guest, first visit", PATH),
                Case("guest, looking again", PATH, guest),
            ]
            for case in cases:
                fetch(port, case.path, case.cookie)
            settle(url)
            for _ in range(rounds):
                for case in cases:
                    name = f"{case.name}, {size:,} {what}"
                    results.setdefault(name, []).append(measure(port, case, seconds, url))
    report(results, bases=[f"bare view, {size:,} {what}" for size in sizes], pairwise=True)


def settle(url: str) -> None:
    """Wait until the database has tidied up behind a large fill, a minute at most."""
    for _ in range(60):
        before = database_cpu(url)
        time.sleep(1)
        if database_cpu(url) - before < 0.02:
            return


# --- Measuring --------------------------------------------------------------------------------------------------


def measure(port: int, case: Case, seconds: int, url: str) -> Result:
    """One burst of four connections, with the CPU that it took."""
    command = ["wrk", "-t1", "-c4", f"-d{seconds}s", f"http://127.0.0.1:{port}{case.path}"]
    if case.cookie:
        command += ["-H", f"Cookie: {case.cookie}"]
    before = cpu_of(port, url)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = cpu_of(port, url) - before
    requests = int(first(r"(\d+) requests in", output))
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if (int(wrong[1]) if wrong else 0) != (requests if case.expect >= 400 else 0):
        sys.exit(f"{case.name}: {wrong[0] if wrong else 'no'} unexpected answers of {requests}")
    return Result(rate=float(first(r"Requests/sec:\s+([\d.]+)", output)), cpu=1000 * used / requests)


def first(pattern: str, text: str) -> str:
    """What the pattern's group matches first; the end of the benchmark if there is none."""
    match = re.search(pattern, text)
    if not match:
        sys.exit(f"{pattern} was not found in:\n{text}")
    return match[1]


def scalar(connection: psycopg.Connection[tuple[Any, ...]], statement: LiteralString) -> str:
    """The one value that a statement answers, as text."""
    return next(str(row[0]) for row in connection.execute(statement))


def cpu_of(port: int, url: str) -> float:
    """Seconds of CPU that the server on a port and the whole database cluster have used so far."""
    return tree_cpu(SERVERS[port].pid) + database_cpu(url)


def database_cpu(url: str) -> float:
    with psycopg.connect(url) as connection:
        backend = scalar(connection, "SELECT pg_backend_pid()")
        postmaster = int(Path("/proc", backend, "stat").read_text().rsplit(")", 1)[1].split()[1])  # its parent
    return tree_cpu(postmaster)


def tree_cpu(root: int) -> float:
    """User and system seconds of a process, its living descendants, and those already reaped."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, rest = stat.read_text().split(" ", 1)
            fields = rest.rsplit(")", 1)[1].split()
            children.setdefault(int(fields[1]), []).append(int(pid))
            ticks[int(pid)] = sum(int(fields[n]) for n in (11, 12, 13, 14))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        total += ticks.get(process, 0)
        waiting += children.get(process, [])
    return total / TICKS


def report(results: dict[str, list[Result]], *, bases: list[str], pairwise: bool = False) -> None:
    """Medians, and the median of the ratios round by round."""

    def ratio(name: str, base: str) -> str:
        return f"{statistics.median(a.cpu / b.cpu for a, b in zip(results[name], results[base], strict=True)):.2f}"

    headings = ["vs. bare of its size"] if pairwise else [f"vs. {base}" for base in bases]
    print(f"\n{'':54} {'req/s':>8} {'CPU ms':>8}  " + "  ".join(headings))
    for name, measured in results.items():
        chosen = [base for base in bases if base.split(", ", 1)[1] == name.rsplit(", ", 1)[1]] if pairwise else bases
        row = "  ".join(f"{ratio(name, base):>{len(heading)}}" for base, heading in zip(chosen, headings, strict=True))
        rate, cpu = (statistics.median(getattr(one, field) for one in measured) for field in ("rate", "cpu"))
        print(f"{name:54} {rate:8.0f} {cpu:8.3f}  {row}")


# --- The site under test ----------------------------------------------------------------------------------------

SERVERS: dict[int, subprocess.Popen[bytes]] = {}


@contextmanager
def server(environment: dict[str, str]) -> Iterator[int]:
    """gunicorn with one worker of four threads on a free port, as in production but for the number of workers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "benchmarks.site.wsgi",
         f"-b127.0.0.1:{port}", "-w1", "-kgthread", "--threads=4",
         "--no-control-socket", "--keep-alive=75", "--log-level=warning"],
        cwd=ROOT, env=environment,
    )  # fmt: skip
    SERVERS[port] = process
    try:
        for _ in range(100):
            with suppress(OSError):
                fetch(port, "/healthz")
                break
            time.sleep(0.1)
        else:
            sys.exit("gunicorn did not start")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def fetch(port: int, path: str, cookie: str = "") -> tuple[int, bytes, list[str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, response.headers.get_all("Set-Cookie") or []


def cookies_after(port: int, paths: list[str]) -> str:
    """The cookie of a guest who opened these pages."""
    jar: dict[str, str] = {}
    for path in paths:
        for cookie in fetch(port, path, "; ".join(f"{name}={value}" for name, value in jar.items()))[2]:
            name, _, value = cookie.split(";")[0].partition("=")
            jar[name] = value
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def account_cookie(environment: dict[str, str]) -> str:
    """A session of a fresh account that has opened the page."""
    script = (
        "from django.test import Client; from accounts.models import User; from django.conf import settings;"
        "user = User.objects.create_user('bench@codingahead.example', 'a long enough password');"
        "client = Client(); client.force_login(user); client.get('/cpt/38570/', HTTP_HOST='127.0.0.1');"
        "print('cookie', client.cookies[settings.SESSION_COOKIE_NAME].value, settings.SESSION_COOKIE_NAME)"
    )
    _, value, name = manage(environment, "shell", "-v0", "-c", script).split()[-3:]
    return f"{name}={value}"


def static_path(port: int) -> str:
    """The address of the first style sheet of the home page."""
    return first(r'href="(/static/[^"]+\.css)"', fetch(port, "/")[1].decode())


def manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def bench_database() -> Iterator[str]:
    """A database of our own on the server that DATABASE_URL names."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield urlunsplit(parts._replace(path=f"/{DATABASE}"))
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


if __name__ == "__main__":
    main()
