"""Addresses of the freshness board."""

from django.urls import path

from releases import views

app_name = "releases"
urlpatterns = [
    path("sources/", views.board, name="board"),
    path("sources/<slug:source>/<slug:label>/", views.edition, name="edition"),
    path("sources/<slug:source>/<slug:variant>/<slug:label>/", views.edition, name="variant_edition"),
]
