"""The site with one more address: a view that does nothing but answer as many bytes as a code page has."""

import os
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

BODY = Path(os.environ["BENCH_BODY"]).read_bytes()


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BODY)


urlpatterns = [path("bare/", bare), path("", include("codingahead.urls"))]
