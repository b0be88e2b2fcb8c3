from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from codes.content import import_content
from codes.content_files import ContentError

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Take in editorial content: one Markdown file per code and headings.yaml. All of it or nothing; what is "
        "unchanged is not written, and what was edited on the site is never overwritten unless asked for."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="such as fixtures/content")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
        parser.add_argument("--overwrite", action="store_true", help="let the files win over edits made on the site")

    def handle(self, *args: Any, folder: Path, dry_run: bool, overwrite: bool, **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        try:
            report = import_content(folder=folder, dry_run=dry_run, overwrite=overwrite)
        except ContentError as error:
            lines = [str(problem) for problem in error.problems[:SHOWN]]
            if len(error.problems) > SHOWN:
                lines.append(f"… and {len(error.problems) - SHOWN} more.")
            raise CommandError("Nothing was imported.\n" + "\n".join(lines)) from None
        for verb, names in (("added", report.added), ("changed", report.changed)):
            for name in names if options["verbosity"] > 1 or verb == "changed" else []:
                self.stdout.write(f"{verb} {name}")
        for note in report.kept:
            self.stdout.write(note)
        self.stdout.write(
            f"{'Would be: ' if dry_run else ''}{len(report.added)} added, {len(report.changed)} changed, "
            f"{len(report.unchanged)} unchanged; {report.headings_changed} headings changed."
        )
