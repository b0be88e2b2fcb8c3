"""`/healthz` and `/readyz`, for container engines and load balancers.

They are answered before any other middleware: the engine asks over plain HTTP and by a name of its own
(`localhost`, a container's address), which ALLOWED_HOSTS need not contain and HTTPS redirects must not catch.
"""

from collections.abc import Callable
from functools import cache

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]


def health_middleware(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            return _answer("ok")
        if request.path == "/readyz":
            trouble = _trouble()
            return _answer(trouble or "ok", status=503 if trouble else 200)
        return get_response(request)

    return middleware


def _answer(word: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{word}\n", status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})


def _trouble() -> str:
    """What keeps the site from serving pages, in one word; empty if nothing does."""
    try:
        applied = MigrationRecorder(connection).applied_migrations().keys()
    except Error:
        return "database"
    return "" if applied >= _newest_migrations() else "migrations"


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of every app, as this version of the code has them."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
