"""Rendered guest pages, kept in the memory of a process as long as nothing that they show has changed.

Rendering is the largest part of a page's cost, and a guest's page depends on little: the code, the day, and what the
meter says. `Revision.token` changes with every write to the tables behind it, so a kept page is never stale.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

MAX_BYTES = 32_000_000  # per process; about 800 code pages

_pages: OrderedDict[Hashable, bytes] = OrderedDict()
_size = 0
_lock = threading.Lock()


def kept_page(
    request: HttpRequest, *, key: Hashable, revision: UUID | None, build: Callable[[], HttpResponse]
) -> HttpResponse:
    """The page from memory, or built and kept. `key` must hold all that the page depends on beside the revision.

    Only for readers without a session or waiting messages: anybody else's page is built for them alone.
    """
    global _size
    if revision is None or settings.SESSION_COOKIE_NAME in request.COOKIES or "messages" in request.COOKIES:
        return build()
    full_key = (key, revision)
    with _lock:
        if (content := _pages.get(full_key)) is not None:
            _pages.move_to_end(full_key)
    if content is not None:
        return HttpResponse(content)
    response = build()
    if response.status_code == 200:
        with _lock:
            if full_key not in _pages:
                _pages[full_key] = response.content
                _size += len(response.content)
            while _size > MAX_BYTES:
                _size -= len(_pages.popitem(last=False)[1])
    return response
