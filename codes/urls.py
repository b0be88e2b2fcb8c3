"""Addresses of the reference."""

from django.urls import path, register_converter

from codes import views
from codes.converters import CodeConverter, SystemConverter

register_converter(SystemConverter, "system")
register_converter(CodeConverter, "code")

app_name = "codes"
urlpatterns = [
    # Browsing
    path("codes/", views.systems, name="systems"),
    path("codes/<system:slug>/", views.system, name="system"),
    path("codes/<system:slug>/<slug:heading>/", views.heading, name="heading"),
    # Code pages
    path("<system:system>/<code:code>/", views.code_page, name="code"),
]
