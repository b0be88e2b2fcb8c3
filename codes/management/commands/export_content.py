from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from codes.content import export_content
from codes.content_files import ContentError


class Command(BaseCommand):
    help = (
        "Write all editorial content as files that import_content reads. A file that already says what the database "
        "says is left as it is; no file is deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="such as fixtures/content")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            report = export_content(folder=folder)
        except (ContentError, OSError) as error:
            raise CommandError(str(error)) from None
        for name in report.written:
            self.stdout.write(f"wrote {name}")
        for name in report.stale:
            self.stdout.write(f"{name} is about a code without content in the database: delete it, or import it first")
        self.stdout.write(f"{len(report.written)} written, {len(report.unchanged)} unchanged.")
