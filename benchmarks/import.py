"""What importing an edition of HCPCS costs, against a plain \\copy of the same rows.

    python3 dev.py bench import
    python3 dev.py bench import HCPC2018_ANWEB.txt HCPC2019_ANWEB.txt   two editions of your own, older first

Without files it writes two editions of 6,800 invented records in CMS's layout. Works in a database of its own beside
the one that DATABASE_URL names, and drops it. Prints the median of several rounds in seconds, rows a second, and the
ratio to \\copy in the same rounds: times drift on a shared machine, ratios hardly do.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

from benchmarks.pages import bench_database

ROWS = 6_800
COPIED = "CREATE TABLE copied (LIKE codes_hcpcsrecord, long text, short text, line integer)"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="two editions, older first")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if len(options.files) not in {0, 2}:
        parser.error("give two editions, older first, or none")
    with bench_database() as url, tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "codingahead.settings",
            "SECRET_KEY": "only-for-this-benchmark-0123456789-0123456789",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        older, newer = options.files or [write(Path(folder), 2018), write(Path(folder), 2019)]
        run(str(older), str(newer), Path(folder) / "rows.copy", options.rounds)
        django.db.connections.close_all()


def write(folder: Path, year: int) -> Path:
    """An edition of invented records; every twentieth description differs from one year to the next."""
    path = folder / f"HCPC{year}_ANWEB.txt"
    lines = []
    for number in range(ROWS):
        code = f"{'ABCVEGHJ'[number // 1000]}{number % 1000:04}"
        words = f"Invented service number {number}" + (f" of {year}" if number % 20 == 0 else "")
        first = f"{code}001003{words:<80}{words:<28.28}00      9".ljust(229) + "C"
        lines.append(first.ljust(260) + "1P     0201001012010010120301231N".ljust(60))
        lines.append(f"{code}002004{'and a second line of description, as most codes have one':<80}".ljust(320))
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode("cp1252"))
    return path


def run(older: str, newer: str, dump: Path, rounds: int) -> None:
    from codes.imports.hcpcs import HcpcsImporter
    from releases.actions import import_release
    from releases.fetching import fetch
    from releases.importers import quiet
    from releases.models import Source

    source = Source.objects.get(slug="hcpcs")

    def bring(file: str) -> None:
        import_release(source=source, places=[file], accept_removals=True)

    def parse() -> None:
        with tempfile.TemporaryDirectory() as folder:
            files = fetch([newer], importer=HcpcsImporter(), into=Path(folder), progress=quiet)
            sum(1 for _ in HcpcsImporter().read(files).rows)

    bring(newer)
    rows = copy_out(dump)
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        execute("TRUNCATE copied")
        times.setdefault("plain \\copy", []).append(seconds(lambda: copy_in(dump)))
        times.setdefault("parse only", []).append(seconds(parse))
        empty()
        times.setdefault("first edition", []).append(seconds(lambda: bring(newer)))
        empty()
        bring(older)
        times.setdefault("next edition", []).append(seconds(lambda: bring(newer)))
        times.setdefault("same bytes again", []).append(seconds(lambda: same_again(bring, newer)))
    version = connection.cursor().connection.info.server_version // 10_000
    print(f"PostgreSQL {version}, {rows:,} rows of {Path(newer).name}, {rounds} rounds, median")
    print(" " * 20 + "   seconds      rows/s    to \\copy")
    base = statistics.median(times["plain \\copy"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<20}{median:>10.3f}{rows / median:>12,.0f}{median / base:>11.1f}x")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def same_again(bring: Callable[[str], None], file: str) -> None:
    from releases.importers import AlreadyImported

    try:
        bring(file)
    except AlreadyImported:
        return
    raise AssertionError("The same bytes were imported twice.")


def seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def empty() -> None:
    execute("TRUNCATE releases_edition, codes_code CASCADE")


def copy_out(dump: Path) -> int:
    """The rows that the import wrote, as a file for \\copy."""
    execute(COPIED)
    query = "SELECT r.*, d.long, d.short, d.line FROM codes_hcpcsrecord r JOIN codes_descriptor d USING (code_id)"
    with connection.cursor() as cursor, dump.open("wb") as stream:
        with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
            for chunk in copy:
                stream.write(chunk)
        return int(cursor.rowcount)


def copy_in(dump: Path) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as copy, dump.open("rb") as stream:
        while chunk := stream.read(1 << 16):
            copy.write(chunk)


if __name__ == "__main__":
    main()
