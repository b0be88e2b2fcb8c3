from typing import Any

from django.core.management.base import BaseCommand

from codes.actions import render_sections


class Command(BaseCommand):
    help = "Render the Markdown of every section anew, after a change of the rules. Changes no text, version or date."

    def handle(self, *args: Any, **options: Any) -> None:
        seen, changed = render_sections()
        self.stdout.write(f"{seen} sections rendered, {changed} came out different.")
