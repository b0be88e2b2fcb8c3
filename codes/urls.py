"""Addresses of the reference."""

from django.contrib.sitemaps import views as sitemaps
from django.urls import path, register_converter

from codes import views
from codes.converters import CodeConverter, SystemConverter
from codes.sitemaps import SITEMAPS, sitemap_index

register_converter(SystemConverter, "system")
register_converter(CodeConverter, "code")

app_name = "codes"
urlpatterns = [
    # Finding
    path("lookup/", views.lookup, name="lookup"),
    # Browsing
    path("codes/", views.systems, name="systems"),
    path("codes/<system:slug>/", views.system, name="system"),
    path("codes/<system:slug>/<slug:heading>/", views.heading, name="heading"),
    # Readers tell editors
    path("report/", views.report, name="report"),
    # Search engines
    path("sitemap.xml", sitemap_index, name="sitemap_index"),
    path("sitemap-<section>.xml", sitemaps.sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    # Code pages, last: any two words of an address could be one
    path("<system:system>/", views.system_redirect, name="system_redirect"),
    path("<system:system>/<code:code>/", views.code_page, name="code"),
]
