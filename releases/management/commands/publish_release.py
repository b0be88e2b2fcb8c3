"""manage.py publish_release hcpcs 2018"""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from releases.actions import publish_release
from releases.importers import AlreadyImported, ReleaseError
from releases.management.commands.import_release import source_named


class Command(BaseCommand):
    help = (
        "Makes a stored edition the current one, newer or older than today's. The others stay stored, so publishing the"
        " one that was current before undoes it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=sorted(settings.RELEASE_SOURCES), metavar="SOURCE")
        parser.add_argument("label", metavar="LABEL", help="2018, 2026Q1 …")
        parser.add_argument("--variant", default="")

    def handle(self, *args: object, **options: object) -> None:
        source = source_named(str(options["source"]))
        try:
            edition = publish_release(source=source, label=str(options["label"]), variant=str(options["variant"]))
        except AlreadyImported as nothing_to_do:
            self.stdout.write(str(nothing_to_do))
        except ReleaseError as error:
            raise CommandError(str(error)) from error
        else:
            self.stdout.write(f"{edition} is the current edition now.")
