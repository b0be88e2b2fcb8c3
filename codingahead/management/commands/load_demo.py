"""Content, a release and accounts to try the site with."""

from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import User
from codes.models import Entry
from releases.models import Edition

PASSWORD = "coding-ahead-demo"  # noqa: S105 - known to everyone, which is why this command insists on DEBUG
READER = "reader@codingahead.example"
EDITOR = "editor@codingahead.example"


class Command(BaseCommand):
    help = "Load demo content once, and make the demo accounts. Only with DEBUG=1: their password is public."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo accounts have a public password, so load_demo runs only with DEBUG=1.")
        fixtures = Path(settings.BASE_DIR) / "fixtures"
        if not Edition.objects.exists():
            for file in sorted((fixtures / "releases").glob("hcpcs*")):
                self._call("import_release", "hcpcs", str(file))
        if not Entry.objects.exists():
            self._call("import_content", str(fixtures / "content"))
        make_account(READER)
        make_account(EDITOR, is_editor=True)
        self.stdout.write(
            f"· Demo reader: {READER} · demo editor (at /admin/): {EDITOR} · password of both: {PASSWORD}"
        )

    def _call(self, command: str, *arguments: str) -> None:
        if command in get_commands():
            self.stdout.write(f"· {command} {' '.join(arguments)}")
            call_command(command, *arguments, stdout=self.stdout)


@transaction.atomic
def make_account(email: str, *, is_editor: bool = False) -> None:
    """An account that can log in at once; one that exists keeps its password."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD, is_staff=is_editor)
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    if is_editor:
        user.groups.add(*Group.objects.filter(name="Editors"))
