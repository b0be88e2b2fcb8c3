"""Find, then meter, then show (docs/quotas.md)."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.cache import patch_vary_headers
from psycopg.errors import ReadOnlySqlTransaction

from quotas import actions
from quotas.decorators import Metering
from quotas.networks import UnknownAddress, client_address
from quotas.readers import reader_of, set_guest_cookie

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError)


class ClientAddressMiddleware:
    """Sets `request.client_address`, or answers 400 before anything else runs (allauth would fail with a 500)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Asked by the container engine, past our proxies.
        if request.path_info not in settings.CLIENT_ADDRESS_EXEMPT_PATHS:
            try:
                request.client_address = client_address(request)  # type: ignore[attr-defined]
            except UnknownAddress as unknown:
                return HttpResponse(f"{unknown}\n", status=400, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


class QuotaMiddleware:
    """Meters `@metered` views. The last middleware, so that what it counts is what is shown."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            response = self.get_response(request)
        except BaseException:  # also a worker that is told to stop: the reader sees no page
            take_back(request)
            raise
        opening: actions.Opening | None = getattr(request, "metered_opening", None)
        if opening is not None:
            if response.status_code != 200:
                take_back(request)
            elif opening.new_guest_on is not None:
                set_guest_cookie(response, opening.reader_key)
        if hasattr(request, "admission"):
            keep_private(response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        metering: Metering | None = getattr(view, "metering", None)
        if metering is None or request.method not in {"GET", "HEAD"}:
            return None
        if request.method == "GET" and not is_navigation(request):
            return not_now()
        try:
            return meter(request, metering, kwargs)
        except DATABASE_ERRORS as error:
            if not is_down(error):
                raise
            return unavailable()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view, metered or not, that meets a database that is down."""
        return unavailable() if is_down(exception) else None


def is_down(error: BaseException) -> bool:
    """Whether the database cannot be reached, or only reads (a standby, or frozen by an operator)."""
    return isinstance(error, OperationalError | InterfaceError) or isinstance(error.__cause__, ReadOnlySqlTransaction)


def meter(request: Any, metering: Metering, kwargs: dict[str, Any]) -> HttpResponse | None:
    """The answer that is not the page: not found elsewhere, HEAD, the wall. None: go on to the view."""
    found = metering.find(request, **kwargs)
    if isinstance(found, HttpResponse):
        return found
    if request.method == "HEAD":
        return keep_private(HttpResponse())
    admission, opening = actions.visit(
        reader=reader_of(request),
        client_address=request.client_address,
        meter_name=metering.meter,
        item=found.item,
        costs_view=found.costs_view,
    )
    request.admission = admission
    request.metered_opening = opening
    request.metered_found = found
    if admission.allowed:
        return None
    response = metering.wall(request, found, admission)
    response["X-Robots-Tag"] = "noindex, noarchive"
    return response


def is_navigation(request: HttpRequest) -> bool:
    """Whether somebody goes to the page, as far as the browser says: no prefetch, no image, script, frame or fetch."""
    if "prefetch" in request.headers.get("Sec-Purpose", "").lower():
        return False
    return request.headers.get("Sec-Fetch-Dest", "document").lower() == "document"


def not_now() -> HttpResponse:
    """Empty and not to be kept: the browser asks again when somebody really goes there."""
    return HttpResponse(
        status=503, headers={"Cache-Control": "no-store", "Vary": "Sec-Purpose, Sec-Fetch-Dest", "Retry-After": "0"}
    )


def keep_private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["Cookie"])
    return response


def take_back(request: HttpRequest) -> None:
    """Errors cost nothing. If even this fails the opening stays, and the reader can still look at the item for free."""
    opening: actions.Opening | None = getattr(request, "metered_opening", None)
    if opening is None:
        return
    if connection.errors_occurred:  # what broke the page may have been the connection
        connection.close_if_unusable_or_obsolete()
    try:
        actions.take_back(opening)
    except DATABASE_ERRORS:
        logger.exception("An opening of %s could not be taken back.", opening.item)


def unavailable() -> HttpResponse:
    """503 with a plain page that needs neither database nor context. Called while the exception is being handled."""
    logger.exception("The database is not available.")
    body = loader.render_to_string("503.html")
    return HttpResponse(body, status=503, headers={"Cache-Control": "no-store", "Retry-After": "30"})
