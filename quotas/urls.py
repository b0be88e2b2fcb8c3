"""Addresses of the reader's own usage."""

from django.urls import path

from quotas import views

app_name = "quotas"
urlpatterns = [
    path("usage/", views.usage, name="usage"),
    path("usage/more/", views.ask_for_more, name="more"),
]
