from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "quotas"
    verbose_name = "Metering"

    def ready(self) -> None:
        from quotas import checks  # noqa: F401 - registers them; settings are complete only now
