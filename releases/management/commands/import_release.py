"""manage.py import_release hcpcs HCPC2019_CONTR_ANWEB.txt"""

import time
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from releases.actions import import_release
from releases.importers import AlreadyImported, ReleaseError, quiet
from releases.models import Source

if TYPE_CHECKING:
    from django.core.management.base import OutputWrapper


class Command(BaseCommand):
    help = (
        "Imports one edition of a source and publishes it if it is the newest. All or nothing: any error is one"
        " sentence, and nothing is changed. See docs/imports.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=sorted(settings.RELEASE_SOURCES), metavar="SOURCE")
        parser.add_argument("places", nargs="+", metavar="PATH-OR-URL", help="file, zip, directory or https address")
        parser.add_argument("--variant", default="", help="branch of the source, such as practitioner")
        parser.add_argument("--edition", default="", metavar="LABEL", help="2019, 2026Q1 …; else the file names tell")
        parser.add_argument("--dry-run", action="store_true", help="report, but write nothing")
        parser.add_argument("--accept-removals", action="store_true", help="publish a surprising edition")
        parser.add_argument("--replace", action="store_true", help="take other bytes for an edition that is here")

    def handle(self, *args: object, **options: object) -> None:
        source = source_named(str(options["source"]))
        progress = Ticker(self.stdout) if self.stdout.isatty() else quiet
        try:
            report = import_release(
                source=source,
                places=options["places"],  # type: ignore[arg-type]
                variant=str(options["variant"]),
                label=str(options["edition"]),
                dry_run=bool(options["dry_run"]),
                accept_removals=bool(options["accept_removals"]),
                replace=bool(options["replace"]),
                progress=progress,
            )
            outcome = "\n".join(report.lines())
        except AlreadyImported as nothing_to_do:
            outcome = str(nothing_to_do)
        except ReleaseError as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, OSError) as error:  # gone, full, not to be read: the transaction went with it
            raise CommandError(f"Nothing was changed. {' '.join(str(error).split())}") from error
        finally:
            if isinstance(progress, Ticker):
                progress.clear()
        self.stdout.write(outcome)


def source_named(slug: str) -> Source:
    try:
        return Source.objects.get(slug=slug)
    except Source.DoesNotExist:
        raise CommandError(f"The source {slug} is not in the database. Run migrate first.") from None


class Ticker:
    """Progress on one line of a terminal, at most ten times a second."""

    def __init__(self, out: "OutputWrapper") -> None:
        self.out, self.shown_at = out, 0.0

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self.shown_at < 0.1:
            return
        self.shown_at = now
        share = f"{done / total:.0%}" if total else f"{done:,}"
        self.out.write(f"\r\033[K{doing} … {share}", ending="")
        self.out.flush()

    def clear(self) -> None:
        if self.shown_at:
            self.out.write("\r\033[K", ending="")
