"""Content, a release and accounts to try the site with."""

from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
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
        if not Edition.objects.exists():
            self._load("import_release", "hcpcs", "fixtures/releases/hcpcs_2026Q1_sample.txt")
        if not Entry.objects.exists():
            self._load("import_content", "fixtures/content")
        make_account(READER)
        make_account(EDITOR, is_editor=True)
        self.stdout.write(
            f"· Demo reader: {READER} · demo editor (at /admin/): {EDITOR} · password of both: {PASSWORD}"
        )

    def _load(self, command: str, *arguments: str) -> None:
        *words, path = arguments
        self.stdout.write(f"· {command} {' '.join(arguments)}")
        call_command(command, *words, str(Path(settings.BASE_DIR) / path), stdout=self.stdout)


@transaction.atomic
def make_account(email: str, *, is_editor: bool = False) -> None:
    """An account that can log in at once; one that exists keeps its password."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD, is_staff=is_editor)
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    if is_editor:
        user.groups.add(Group.objects.get(name="Editors"))
