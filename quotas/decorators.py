"""How a view says that it is metered. The counting itself happens in QuotaMiddleware, before the view runs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from quotas.admissions import Admission, Meterable
from quotas.requests import MeteredRequest

Found = TypeVar("Found", bound=Meterable)


@dataclass(frozen=True, slots=True)
class Metering:
    """What QuotaMiddleware needs to know about a view."""

    meter: str
    find: Callable[..., Meterable | HttpResponse]
    wall: Callable[[MeteredRequest, Any, Admission], HttpResponse]


def metered(
    meter: str,
    *,
    find: Callable[..., Found | HttpResponse],
    wall: Callable[[MeteredRequest, Found, Admission], HttpResponse],
) -> Callable[[Callable[[MeteredRequest, Found], HttpResponse]], Callable[..., HttpResponse]]:
    """Meter a view: it is called with what `find` found, after the reader was admitted.

    `find(request, **url_kwargs)` raises Http404, or answers a response that goes out uncounted (a redirect to the
    canonical address, a 400 for a bad query parameter), or returns what is to be shown. Whatever a client can get
    wrong belongs into `find`: a view that answers anything but 200 has its opening taken back.
    `wall(request, found, admission)` renders the refusal, a 403.
    """

    def decorate(view: Callable[[MeteredRequest, Found], HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, **url_kwargs: Any) -> HttpResponse:
            if request.method not in {"GET", "HEAD"}:
                return HttpResponseNotAllowed(["GET", "HEAD"])
            if not hasattr(request, "metered_found"):
                raise ImproperlyConfigured("A metered view was reached past quotas.middleware.QuotaMiddleware.")
            return view(cast(MeteredRequest, request), request.metered_found)

        answer.metering = Metering(meter, find, wall)  # type: ignore[attr-defined]
        return answer

    return decorate
