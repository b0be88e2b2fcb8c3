from typing import Any

from django.core.management.base import BaseCommand

from accounts.actions import purge_limits, purge_sessions
from quotas.meters import count_of


class Command(BaseCommand):
    help = "Forgets sessions and counts of attempts that are over, with the network addresses kept for them."

    def handle(self, *args: Any, **options: Any) -> None:
        sessions = count_of(purge_sessions(), "session")
        limits = count_of(purge_limits(), "count")
        self.stdout.write(f"Forgot {sessions} that had ended and {limits} of attempts that had run out.")
