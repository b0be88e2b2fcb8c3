"""`/dev/mail/`: the mail that a development server has written to files instead of sending it."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import urlize
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SHOWN = 50
# Django's file backend ends each mail with a line of 79 hyphens.
SEPARATOR = re.compile(rb"^-{79}\n", re.MULTILINE)


@dataclass(frozen=True)
class Mail:
    subject: str
    sender: str
    to: str
    sent_at: datetime | None
    body: SafeString


@never_cache
@require_safe
def dev_mail(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404
    return render(request, "codingahead/dev_mail.html", {"mails": read_mails(Path(settings.EMAIL_FILE_PATH))})


def read_mails(folder: Path) -> list[Mail]:
    """The newest mails first. A file holds what one connection sent, oldest first."""
    mails: list[Mail] = []
    for file in sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime_ns, reverse=True):
        parts = [part for part in SEPARATOR.split(file.read_bytes()) if part.strip()]
        mails += [_mail(part) for part in reversed(parts)]
        if len(mails) >= SHOWN:
            break
    return mails[:SHOWN]


def _mail(source: bytes) -> Mail:
    message = message_from_bytes(source, _class=EmailMessage, policy=policy.default)
    text = message.get_body(("plain", "html"))
    return Mail(
        subject=message["subject"] or "(no subject)",
        sender=message["from"] or "",
        to=message["to"] or "",
        sent_at=message["date"].datetime if message["date"] else None,
        body=SafeString(urlize(text.get_content() if text else "", autoescape=True)),
    )
