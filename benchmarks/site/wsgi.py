"""The site with `/bare/` added, behind its whole middleware, or with BENCH_MIDDLEWARE=none behind almost none."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codingahead.settings")
settings.ROOT_URLCONF = "benchmarks.site.urls"
if os.environ.get("BENCH_MIDDLEWARE") == "none":
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
application = get_wsgi_application()
