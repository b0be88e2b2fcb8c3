"""Many things at once, each on a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from typing import TypeVar

import pytest
from django.db import OperationalError, connection, connections

Result = TypeVar("Result")


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all calls at the same moment, after each thread has connected; results in the order of the calls."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        try:
            try:
                connection.ensure_connection()
            except OperationalError as error:
                barrier.abort()
                pytest.fail(f"{len(calls)} connections at once are too many for this PostgreSQL: {error}")
            barrier.wait(timeout=60)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        futures = [pool.submit(run, call) for call in calls]
    errors = [error for future in futures if (error := future.exception())]
    for error in errors:
        if not isinstance(error, BrokenBarrierError) or error is errors[-1]:
            raise error
    return [future.result() for future in futures]
