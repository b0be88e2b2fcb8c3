"""Every address of the site, one group an app."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from codingahead import devmail, styleguide, views

urlpatterns = [
    # The site
    path("", views.home, name="home"),
    path("about/", views.about, name="about"),
    path("privacy/", views.privacy, name="privacy"),
    path("terms/", views.terms, name="terms"),
    path("notices/", views.notices, name="notices"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("styleguide/<slug:name>/", styleguide.styleguide_page, name="styleguide_page"),
    path("robots.txt", views.robots, name="robots"),
    # Accounts
    path("accounts/", include("allauth.urls")),
    # Metering
    path("", include("quotas.urls")),
    # The reference
    path("", include("codes.urls")),
    # Editors
    path("admin/", admin.site.urls),
]

if settings.DEBUG:
    urlpatterns += [path("dev/mail/", devmail.dev_mail, name="dev_mail")]
