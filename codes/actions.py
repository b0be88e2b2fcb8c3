"""What editors and readers do to code pages: every write of entries, sections, wordings and error reports is here.

Editing is optimistic: whoever saves names the version that they began with (0: there was none). If somebody else has
saved in between, an `EditConflict` carries what stands there now, and nothing is written.

Every write takes the lock of `begin_writing` first. The trigger that changes the revision takes it anyway, but only
after the rows were read: two who hold rows and wait for the revision, or for each other's rows, would deadlock.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from simple_history.utils import bulk_update_with_history

from codes.markdown import render, validate
from codes.models import Code, DescriptorOverride, Entry, ErrorReport, Revision, Section

REASON_LENGTH = 100  # of simple-history's column
REPORTS_PER_HOUR = 5
REPORT_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class EntryText:
    """What an entry says, apart from its history."""

    title: str
    sample_descriptor: str = ""
    is_sample: bool = False
    reviewed_by: str = ""
    reviewed_on: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class SectionText:
    """What a section says, apart from its history."""

    text: str
    status: str = Section.Status.DRAFT


class EditConflict(Exception):
    """Somebody saved in between. `theirs` is what stands there now; None if it is gone."""

    def __init__(self, theirs: Entry | Section | DescriptorOverride | None) -> None:
        self.theirs = theirs
        super().__init__("Somebody else has saved this in the meantime.")


class TooManyReports(Exception):
    """This caller has reported as many errors as anybody may in an hour."""


def begin_writing() -> None:
    """Wait until nobody else is changing what pages show; then what is read here still holds when it is written."""
    Revision.objects.select_for_update().values_list("pk").first()


def tidy(text: str) -> str:
    """A text as it is stored: one kind of line end, no blank lines around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip()


def digest_of(text: EntryText | SectionText) -> str:
    return hashlib.sha256(json.dumps(astuple(text), default=str).encode()).hexdigest()


def text_of(row: Any) -> EntryText | SectionText:
    """The part of an entry or a section, or of one of their historical versions, that editors write."""
    if hasattr(row, "kind"):
        return SectionText(row.text, row.status)
    return entry_text_of(row)


def entry_text_of(row: Any) -> EntryText:
    return EntryText(row.title, row.sample_descriptor, row.is_sample, row.reviewed_by, row.reviewed_on)


@transaction.atomic
def save_section(
    *,
    code: Code,
    kind: str,
    text: str,
    status: str,
    version: int,
    user: AbstractBaseUser | None = None,
    reason: str = "",
    imported_digest: str | None = None,
) -> Section | None:
    """Store a section, rendered. Text that nobody changed is not written again; an empty text begins no section."""
    mine = SectionText(tidy(text), status)
    validate(mine.text)
    begin_writing()
    section = Section.objects.filter(code=code, kind=kind).first()
    if not is_to_be_written(section, mine, version, Section.history.filter(code=code, kind=kind)):
        return section
    if section is None:
        if not mine.text and imported_digest is None:
            return None
        section = Section(code=code, kind=kind, version=_last_version(Section.history.filter(code=code, kind=kind)))
    section.text, section.status, section.html = mine.text, mine.status, render(mine.text)
    _write(section, user=user, reason=reason, imported_digest=imported_digest)
    return section


@transaction.atomic
def save_entry(
    *,
    code: Code,
    entry: EntryText,
    version: int,
    user: AbstractBaseUser | None = None,
    reason: str = "",
    imported_digest: str | None = None,
) -> Entry:
    """Store what editors say about a code as a whole."""
    begin_writing()
    row = Entry.objects.filter(code=code).first()
    if not is_to_be_written(row, entry, version, Entry.history.filter(code=code)) and row:
        return row
    row = row or Entry(code=code, version=_last_version(Entry.history.filter(code=code)))
    row.title, row.sample_descriptor, row.is_sample = entry.title, entry.sample_descriptor, entry.is_sample
    row.reviewed_by, row.reviewed_on = entry.reviewed_by, entry.reviewed_on
    row.clean_fields(exclude=["code"])
    _write(row, user=user, reason=reason, imported_digest=imported_digest)
    return row


def is_to_be_written(
    row: Entry | Section | None, mine: EntryText | SectionText, version: int, history: models.QuerySet[models.Model]
) -> bool:
    """Whether mine differs from what stands there. Raises `EditConflict` if it would undo what somebody else wrote."""
    if row is not None and text_of(row) == mine:
        return False
    if version == (row.version if row else 0):
        return True
    if row is not None and version == 0 and isinstance(mine, SectionText) and not mine.text:
        return False  # there was none when I began, and I began none
    began_with = history.filter(version=version).order_by("-history_id").first()
    if row is not None and began_with is not None and text_of(began_with) == mine:
        return False  # only they changed it
    raise EditConflict(row)


def _last_version(history: models.QuerySet[models.Model]) -> int:
    """A row that was deleted and comes back counts on, so that no old form can take the new one for its own."""
    last: int | None = history.aggregate(last=models.Max("version"))["last"]
    return last or 0


def _write(row: Entry | Section, *, user: AbstractBaseUser | None, reason: str, imported_digest: str | None) -> None:
    row.version += 1
    if imported_digest is not None:
        row.imported_digest = imported_digest
    _sign(row, user, reason)
    row.save()


def _sign(row: Any, user: AbstractBaseUser | None, reason: str) -> None:
    """Who changes the row and why, for its history."""
    row._history_user, row._change_reason = user, reason[:REASON_LENGTH]


@transaction.atomic
def delete_text(row: Entry | Section, *, user: AbstractBaseUser | None = None, reason: str = "") -> None:
    """Take an entry or a section off the page; its history stays."""
    _sign(row, user, reason)
    row.delete()


def find_publishable(*, codes: Iterable[Code], status: str) -> models.QuerySet[Section]:
    """What `publish` would change. Empty drafts stay drafts: there is nothing to publish."""
    sections = Section.objects.filter(code__in=codes).exclude(status=status).exclude(text="")
    return sections.select_related("code__system").order_by("code__system", "code__position", "kind")


@transaction.atomic
def publish(
    *, codes: Iterable[Code], user: AbstractBaseUser | None = None, status: str = Section.Status.PUBLISHED
) -> list[Section]:
    """Publish all drafts of these codes that hold text, or make drafts of all that is published. Gives what changed."""
    begin_writing()
    sections = list(find_publishable(codes=codes, status=status))
    for section in sections:
        section.status = status
        section.version += 1
        section.updated_at = timezone.now()
    if sections:
        bulk_update_with_history(
            sections,
            Section,
            ["status", "version", "updated_at"],
            default_user=user,
            default_change_reason="Published with others"
            if status == Section.Status.PUBLISHED
            else "Made a draft with others",
            batch_size=500,
        )
    return sections


@transaction.atomic
def save_override(
    *, code: Code, text: str, reason: str, version: int, user: AbstractBaseUser | None
) -> DescriptorOverride | None:
    """Show an editor's wording instead of the imported descriptor; an empty text shows the imported one again.

    `version` is what `override_version` gave when the editor began.
    """
    begin_writing()
    code = Code.objects.select_related("descriptor").get(pk=code.pk)
    row = DescriptorOverride.objects.filter(code=code).first()
    text, reason = tidy(text), tidy(reason)
    if not check_override(code=code, row=row, text=text, reason=reason, version=version):
        return row
    if row and not text:
        _sign(row, user, reason)
        row.delete()
        return None
    row = row or DescriptorOverride(code=code)
    row.text, row.reason, row.author_id = text, reason, user.pk if user else None
    row.original = code.descriptor.long if code.descriptor else ""
    _sign(row, user, reason)
    row.save()
    return row


def check_override(*, code: Code, row: DescriptorOverride | None, text: str, reason: str, version: int) -> bool:
    """Whether this wording is to be written. Raises `EditConflict`, or `ValidationError` if it cannot stand."""
    text, reason = tidy(text), tidy(reason)
    if (row.text, row.reason) == (text, reason) if row else not text:
        return False
    if version != override_version(code):
        began_with = DescriptorOverride.history.filter(code=code, history_id=version).exclude(history_type="-").first()
        if (began_with.text, began_with.reason) == (text, reason) if began_with else not text:
            return False  # only they changed it
        raise EditConflict(row)
    if text and code.descriptor is None:
        raise ValidationError("There is no imported text to reword. Use the sample wording instead.")
    if text and not reason:
        raise ValidationError("Say why the imported text is not good enough.")
    return True


def override_version(code: Code) -> int:
    """Changes with every change of the editor's wording, its removal too."""
    last: int | None = DescriptorOverride.history.filter(code=code).aggregate(last=models.Max("history_id"))["last"]
    return last or 0


@transaction.atomic
def revert(*, record: Any, version: int, user: AbstractBaseUser | None) -> Entry | Section | DescriptorOverride | None:
    """Make a historical version the newest again, as a new version. Of a section only the text goes back."""
    begin_writing()
    reason = f"Reverted to the version of {record.history_date:%d %b %Y %H:%M} UTC"
    code: Code = record.code
    if isinstance(record, DescriptorOverride.history.model):
        return save_override(code=code, text=record.text, reason=record.reason, version=version, user=user)
    if isinstance(record, Entry.history.model):
        return save_entry(code=code, entry=entry_text_of(record), version=version, user=user, reason=reason)
    now = Section.objects.filter(code=code, kind=record.kind).first()
    return save_section(
        code=code,
        kind=record.kind,
        text=record.text,
        status=now.status if now else Section.Status.DRAFT,
        version=version,
        user=user,
        reason=reason,
    )


def render_sections() -> tuple[int, int]:
    """Render every section anew, after a change of the rules; says how many there are and how many came out different.

    Not an edit: neither version nor history nor the date on the page changes.
    """
    seen = changed = 0
    for section in Section.objects.only("text", "html").iterator(chunk_size=500):
        seen += 1
        html = render(section.text)
        if html != section.html:
            changed += Section.objects.filter(pk=section.pk, text=section.text).update(html=html)
    return seen, changed


def report_error(
    *,
    path: str,
    message: str,
    caller: str,
    code: Code | None = None,
    email: str = "",
    reporter: AbstractBaseUser | None = None,
) -> ErrorReport:
    """Keep what a reader says is wrong and tell the editors by e-mail, once it is stored.

    `caller` tells one reporter from another (a reader key or a client address). It is inexact on purpose that two
    simultaneous reports may count once: this limit only keeps a robot from filling the mailbox.
    """
    hour = f"{timezone.now():%Y%m%d%H}"
    key = f"error-reports:{hour}:{hashlib.sha256(caller.encode()).hexdigest()}"
    count = cache.get(key, 0)
    if count >= REPORTS_PER_HOUR:
        raise TooManyReports
    message = message.replace("\0", "").strip()
    if not message:
        raise ValidationError("Say what is wrong.")
    report = ErrorReport(
        path=" ".join(path.split())[:300],
        code=code,
        message=message[:REPORT_LENGTH],
        email=email,
        reporter_id=reporter.pk if reporter else None,
    )
    report.clean_fields()
    with transaction.atomic():
        report.save()
        transaction.on_commit(lambda: _mail(report), robust=True)  # a dead mail server loses the mail, not the report
    cache.set(key, count + 1, 3600)
    return report


def _mail(report: ErrorReport) -> None:
    edit = f"{settings.SITE_URL}{reverse('admin:codes_errorreport_change', args=[report.pk])}"
    EmailMessage(
        subject=f"Error reported on {report.path}",
        body=f"{report.message}\n\nPage: {settings.SITE_URL}{report.path}\n"
        f"Answer to: {report.email or 'no address given'}\nResolve: {edit}\n",
        to=[settings.OPERATOR_EMAIL],
        reply_to=[report.email] if report.email else None,
    ).send()


@transaction.atomic
def resolve_reports(*, reports: Iterable[ErrorReport], user: AbstractBaseUser, resolved: bool = True) -> int:
    """Close error reports, or open them again. Says how many changed."""
    rows = ErrorReport.objects.filter(pk__in=[report.pk for report in reports], resolved_at__isnull=resolved)
    if resolved:
        return rows.update(resolved_at=timezone.now(), resolved_by=user.pk)
    return rows.update(resolved_at=None, resolved_by=None)


def export_reader(*, user: AbstractBaseUser) -> dict[str, Any]:
    """What is kept here about an account, for its data export."""
    reports = ErrorReport.objects.filter(reporter_id=user.pk)
    return {"error_reports": list(reports.values("path", "message", "email", "created_at", "resolved_at"))}


def forget_reader(*, user: AbstractBaseUser) -> None:
    """Take a person's name and address off what they reported; the reports stay, since they are about pages."""
    address = str(getattr(user, user.get_email_field_name()))
    ErrorReport.objects.filter(models.Q(reporter_id=user.pk) | models.Q(email__iexact=address)).update(
        reporter=None, email=""
    )
