"""What was read or rendered, kept in the memory of a process as long as nothing behind it has changed.

Reading and rendering are the largest part of a page's cost. `Revision.token` changes with every write to the tables
behind a code page, in the writer's own transaction, so what is kept under a token is never stale (ADR 0060).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

T = TypeVar("T")


class Kept(Generic[T]):
    """The values last used, at most `most` of them. A key must hold all that its value depends on beside the revision.

    A value is handed to many threads at once: nobody may change it.
    """

    def __init__(self, *, most: int) -> None:
        self.most = most
        self.values: OrderedDict[Hashable, T] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: Hashable, *, revision: UUID | None, build: Callable[[], T]) -> T:
        """The value, built if it is not there. Two threads may build the same one; that costs less than waiting."""
        if revision is None:
            return build()
        full_key = (key, revision)
        with self.lock:
            if full_key in self.values:
                self.values.move_to_end(full_key)
                return self.values[full_key]
        value = build()
        with self.lock:
            self.values[full_key] = value
            while len(self.values) > self.most:
                self.values.popitem(last=False)
        return value


pages: Kept[bytes] = Kept(most=1000)  # about 30 kB each


def kept_page(
    request: HttpRequest, *, key: Hashable, revision: UUID | None, build: Callable[[], HttpResponse]
) -> HttpResponse:
    """A page that is the same for all guests, from memory if it is there; `build` answers 200 or raises.

    Whoever has a session, waiting messages or a query gets a page built for them alone. The header's links repeat the
    query, and what one guest was sent here with (by an advertisement, or by somebody who means ill) must neither reach
    another nor fill the memory.
    """
    is_own = settings.SESSION_COOKIE_NAME in request.COOKIES or "messages" in request.COOKIES
    if is_own or request.META.get("QUERY_STRING"):
        return build()
    return HttpResponse(pages.get(key, revision=revision, build=lambda: build().content))
