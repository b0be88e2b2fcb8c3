"""A tiny metered site, so that the meter is tested through the real middleware without any code page."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import include, path
from django.views.decorators.http import require_safe

from quotas.admissions import Admission
from quotas.decorators import metered
from quotas.requests import MeteredRequest


@dataclass(frozen=True)
class Thing:
    item: str
    costs_view: bool = True


def find_thing(request: HttpRequest, name: str) -> Thing | HttpResponse:
    if name == "missing":
        raise Http404
    if name == "old":
        return HttpResponseRedirect("/things/new/")
    if name == "invalid":
        return HttpResponseBadRequest("on must be a date")
    return Thing(f"thing:{name}", costs_view=not name.startswith("free"))


def thing_wall(request: MeteredRequest, thing: Thing, admission: Admission) -> HttpResponse:
    return HttpResponse(answer("wall", admission), status=403)


@require_safe
@metered("code_page", find=find_thing, wall=thing_wall)
def thing_page(request: MeteredRequest, thing: Thing) -> HttpResponse:
    if thing.item == "thing:broken":
        break_down(request, thing)
    if thing.item == "thing:teapot":
        return HttpResponse(status=418)
    return HttpResponse(answer("page", request.admission))


def break_down(request: MeteredRequest, thing: Thing) -> None:
    raise RuntimeError("This page always breaks.")


def answer(kind: str, admission: Admission) -> str:
    full = " network-full" if admission.network_full else ""
    return f"{kind} {admission.tier} {admission.used}/{admission.limit}{full}"


@metered("code_page", find=find_thing, wall=thing_wall)
def bare_thing_page(request: MeteredRequest, thing: Thing) -> HttpResponse:
    return HttpResponse(answer("page", request.admission))


@require_safe
def plain_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


urlpatterns = [
    path("things/<str:name>/", thing_page),
    path("bare/<str:name>/", bare_thing_page),
    path("plain/", plain_page),
    path("", include("codingahead.urls")),
]
