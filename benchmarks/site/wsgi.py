"""The site with `/bare/` added, behind its whole middleware, or with BENCH_MIDDLEWARE=none behind almost none."""

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codingahead.settings")
django.setup(set_prefix=False)
settings.ROOT_URLCONF = "benchmarks.site.urls"
if os.environ.get("BENCH_MIDDLEWARE") == "none":
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
application = WSGIHandler()
