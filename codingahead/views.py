"""Pages of the site itself."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/about.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/privacy.html")


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/terms.html")


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/notices.html")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers should leave alone: forms, private pages, and the endless space of look-ups."""
    return render(request, "robots.txt", content_type="text/plain; charset=utf-8")
