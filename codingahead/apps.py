from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "codingahead"
    verbose_name = "Coding Ahead"

    def ready(self) -> None:
        from codingahead import checks  # noqa: F401 - registers them; settings are complete only now
