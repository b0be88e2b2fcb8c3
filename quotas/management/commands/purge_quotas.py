from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from quotas.actions import purge
from quotas.meters import count_of


class Command(BaseCommand):
    help = (
        "Delete windows of the meter that are over (months and days before this month, from the 2nd on), yesterday's "
        "network counts and the memory of mailboxes whose window has ended. Safe to run at any time, daily."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch-size", type=int, default=10_000, help="rows a transaction (default: 10,000)")

    def handle(self, *, batch_size: int, **options: Any) -> None:
        purged = purge(batch_size=batch_size)
        networks = count_of(purged.networks, "network day")
        self.stdout.write(
            f"Purged {count_of(purged.allowances, 'allowance')}, {networks} and what "
            f"{count_of(purged.memories, 'mailbox', 'mailboxes')} remembered."
        )
