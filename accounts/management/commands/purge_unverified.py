import datetime
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.actions import purge_unverified
from quotas.meters import count_of


class Command(BaseCommand):
    help = (
        "Deletes readers' accounts older than DAYS whose address was never verified and that were never logged in to."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="default: 30")

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        count = purge_unverified(before=timezone.now() - datetime.timedelta(days=days))
        self.stdout.write(f"Deleted {count_of(count, 'unverified account')} older than {count_of(days, 'day')}.")
