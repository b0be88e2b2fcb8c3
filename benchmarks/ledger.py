"""What the statement that counts costs as the ledger grows from 10 thousand to 5 million readers.

    python3 dev.py bench ledger                 all sizes
    python3 dev.py bench ledger --most 1000000  up to a million

Works in a database of its own beside the one that DATABASE_URL names, and drops it. Four kinds of visit, in turn: a
new reader, a reader's next code, the same code again, and a refusal. Prints the median time of each in ms, as the
application sees it, and its ratio to a bare statement in the same rounds: an update of a table of one row for those
that write, SELECT 1 for those that do not. Times drift on a shared machine, the ratios hardly do. Only a server with
fsync on says what a commit costs.
"""

import argparse
import hashlib
import os
import random
import statistics
import time
from functools import partial
from typing import Any

import django
import psycopg
from django.core.management import call_command

from benchmarks.pages import bench_database

SIZES = [10_000, 100_000, 1_000_000, 5_000_000]
LIMIT = 5
BARE_WRITE, BARE_READ = "bare write", "bare read"
KINDS = {"new reader": BARE_WRITE, "next code": BARE_WRITE, "same code": BARE_READ, "refused": BARE_READ}

FILL = """
INSERT INTO quotas_allowance (reader_key, meter, window_start, created_on, opened, carried)
SELECT 'g:' || md5(n::text), 'code_page', %(start)s, %(start)s,
       (ARRAY['cpt:99213', 'cpt:38570', 'cpt:38571', 'cpt:38572', 'hcpcs:G0105'])[1:1 + n %% 5], '{}'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=SIZES[-1], help="readers in the largest ledger")
    parser.add_argument("--visits", type=int, default=1000, help="visits of each kind at each size")
    options = parser.parse_args()
    with bench_database() as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "codingahead.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        with psycopg.connect(url, autocommit=True) as connection:
            run(connection, [size for size in SIZES if size <= options.most], options.visits)
        django.db.connections.close_all()


def run(connection: psycopg.Connection[Any], sizes: list[int], visits: int) -> None:
    version, fsync, commit = (
        connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
        for name in ("server_version", "fsync", "synchronous_commit")
    )
    print(f"PostgreSQL {version}, fsync {fsync}, synchronous_commit {commit}, {visits} visits of each kind")
    headings = [f"{name:>12}" for name in (BARE_WRITE, BARE_READ)] + [f"{kind:>16}" for kind in KINDS]
    print(f"{'readers':>10} {'table':>9} {'indexes':>9}" + "".join(headings))
    connection.execute("CREATE TABLE bare AS SELECT 1 AS n")
    filled = 0
    for size in sizes:
        fill(connection, filled + 1, size)
        filled = size
        table, indexes = sizes_in_mb(connection)
        medians = measure(size, visits)
        bare = "".join(f"{medians[name]:>12.3f}" for name in (BARE_WRITE, BARE_READ))
        cells = "".join(
            f"{medians[kind]:>8.3f} (×{medians[kind] / medians[base]:4.2f})" for kind, base in KINDS.items()
        )
        print(f"{size:>10,} {table:>6.0f} MB {indexes:>6.0f} MB{bare}{cells}", flush=True)


def fill(connection: psycopg.Connection[Any], first: int, last: int) -> None:
    connection.execute(FILL, {"first": first, "last": last, "start": current_start()})
    connection.execute("VACUUM ANALYZE quotas_allowance")
    connection.execute("CHECKPOINT")


def sizes_in_mb(connection: psycopg.Connection[Any]) -> tuple[float, float]:
    statement = "SELECT pg_table_size(t) / 1e6, pg_indexes_size(t) / 1e6 FROM to_regclass('quotas_allowance') AS t"
    table, indexes = connection.execute(statement).fetchone() or (0, 0)
    return float(table), float(indexes)


def current_start() -> Any:
    from quotas.windows import today, window_start  # Django is set up by now

    return window_start("month", today())


def measure(size: int, visits: int) -> dict[str, float]:
    """The median of each kind in ms. The kinds take turns, so that a slow moment of the machine meets all of them.

    Who visits is drawn from the whole ledger: reader n has opened n % 5 + 1 items. A visit that is answered wrongly
    stops the benchmark.
    """
    from quotas.actions import admit

    ask = partial(admit, meter="code_page", limit=LIMIT, window_start=current_start())
    readers = random.Random(size).sample(range(size // 5 - 1), visits)  # noqa: S311 - the same ones in every run
    times: dict[str, list[float]] = {kind: [] for kind in [BARE_WRITE, BARE_READ, *KINDS]}
    for visit in range(visits):
        for name, statement in ((BARE_WRITE, "UPDATE bare SET n = n + 1"), (BARE_READ, "SELECT 1")):
            before = time.perf_counter()
            with django.db.connection.cursor() as cursor:
                cursor.execute(statement)
            times[name].append(time.perf_counter() - before)
        some = 5 * readers[visit]
        for kind, (reader, item, is_new, is_allowed) in {
            "new reader": (f"new {size} {visit}", "cpt:38570", True, True),
            "next code": (some + 5, f"cpt:{visit}", True, True),
            "same code": (some + 1, "cpt:99213", False, True),
            "refused": (some + 4, "cpt:99215", False, False),
        }.items():
            key = "g:" + hashlib.md5(str(reader).encode(), usedforsecurity=False).hexdigest()
            before = time.perf_counter()
            admission = ask(reader_key=key, item=item)
            times[kind].append(time.perf_counter() - before)
            if (admission.newly, admission.allowed) != (is_new, is_allowed):
                raise SystemExit(f"{kind}: {admission}")
    return {kind: 1000 * statistics.median(taken) for kind, taken in times.items()}


if __name__ == "__main__":
    main()
