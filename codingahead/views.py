"""Pages of the site itself."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from codingahead.presenters import present_allowances, present_sections


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html", {**present_allowances(), "sections": present_sections()})


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/about.html", present_allowances())


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/privacy.html", {"guest_cookie_days": settings.QUOTA_GUEST_COOKIE_AGE.days})


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/terms.html")


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/notices.html", {"shows_cpt": "cpt" in settings.LICENSED_CODE_SYSTEMS})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers should leave alone: forms, private pages, and the endless space of look-ups."""
    return render(request, "robots.txt", content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Asked for by browsers on pages that are not ours to write, such as the admin's."""
    return redirect(static("img/favicon-32.png"))
