from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "codingahead"
    verbose_name = "Coding Ahead"
