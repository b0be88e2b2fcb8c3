from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from quotas.actions import replace_crawler_networks
from quotas.crawlers import BadPrefixFile, engine_of, parse_prefixes, read_file


class Command(BaseCommand):
    help = (
        "Replace what is known of search engines' crawlers by the prefix files that the engines publish "
        "(googlebot.json, bingbot.json). Their requests see the guest page uncounted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("places", nargs="+", metavar="FILE-OR-URL")
        parser.add_argument("--engine", help="name of the engine; otherwise the file's name")

    def handle(self, *, places: list[str], engine: str | None, **options: Any) -> None:
        if engine and len(places) > 1:
            raise CommandError("--engine names the engine of one file. Give one file, or leave it out.")
        try:
            names = [engine_of(place) for place in places]
            found = [
                (engine or name, parse_prefixes(read_file(place), place))
                for name, place in zip(names, places, strict=True)
            ]
        except BadPrefixFile as bad:
            raise CommandError(f"{bad} Nothing was changed.") from None
        except OSError as error:
            raise CommandError(f"{error}. Nothing was changed.") from None
        for name, networks in found:
            count = replace_crawler_networks(engine=name, networks=networks)
            self.stdout.write(f"{name}: {count} networks.")
