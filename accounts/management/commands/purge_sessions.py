from typing import Any

from django.core.management.base import BaseCommand

from accounts.actions import purge_sessions


class Command(BaseCommand):
    help = "Forgets sessions that have expired or were ended, with the network address and browser kept for each."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Forgot {purge_sessions()} ended sessions.")
