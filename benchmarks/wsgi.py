"""The site with one more address: /bare/, a view that does nothing but answer as many bytes as a code page has.

Behind the site's whole middleware, or with BENCH_MIDDLEWARE=none behind almost none.
"""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codingahead.settings")

BODY = Path(os.environ["BENCH_BODY"]).read_bytes()


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BODY)


urlpatterns = [path("bare/", bare), path("", include("codingahead.urls"))]

settings.ROOT_URLCONF = "benchmarks.wsgi"
if os.environ.get("BENCH_MIDDLEWARE") == "none":
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
django.setup(set_prefix=False)
application = WSGIHandler()
