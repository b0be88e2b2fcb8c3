"""The freshness board: which edition of which source the site shows, for everyone to see."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from releases.models import Edition, Source
from releases.presenters import present_board, present_edition


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    sources = present_board(list(Source.objects.for_board()), today=timezone.now().date())
    return render(request, "releases/sources.html", {"sources": sources})


@require_safe
def edition(request: HttpRequest, source: str, label: str, variant: str = "") -> HttpResponse:
    found = get_object_or_404(Edition.objects.for_report(), source__slug=source, variant=variant, label=label)
    others = Edition.objects.branch(found.source, variant).for_links()
    page = present_edition(found, list(others), today=timezone.now().date())
    return render(request, "releases/edition.html", {"page": page})
