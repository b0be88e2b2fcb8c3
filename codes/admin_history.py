"""The history of a code's texts: versions of its entry, its sections and its editor's wording in one list."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from codes.actions import override_version
from codes.differences import Line, compare
from codes.models import Code, DescriptorOverride, Entry, Section

MODELS: dict[str, Any] = {"entry": Entry, "section": Section, "override": DescriptorOverride}


@dataclass(frozen=True, slots=True)
class Version:
    """One version, without its text: a code may have thousands, and a page shows a few."""

    model: str
    history_id: int
    date: datetime.datetime
    part: str  # "section payment": what it is a version of
    previous_id: int | None = None
    is_newest: bool = False
    now: int = 0  # what revert is told, so that it notices an edit made meanwhile

    @classmethod
    def all_of(cls, code: Code) -> list["Version"]:
        """Newest first."""
        found: list[Version] = []
        for model, rows in MODELS.items():
            columns = ["history_id", "history_date", *(["kind"] if model == "section" else [])]
            history = rows.history.filter(code=code).order_by("history_date", "history_id")
            last: dict[str, int] = {}
            for history_id, date, *kind in history.values_list(*columns):
                part = " ".join([model, *kind])
                found.append(cls(model, history_id, date, part, last.get(part)))
                last[part] = history_id
        newest = set(cls._newest(found))
        now = cls._now(code)
        found = [
            cls(
                v.model,
                v.history_id,
                v.date,
                v.part,
                v.previous_id,
                (v.part, v.history_id) in newest,
                now.get(v.part, 0),
            )
            for v in found
        ]
        return sorted(found, key=lambda version: (version.date, version.history_id), reverse=True)

    @staticmethod
    def _newest(versions: Iterable["Version"]) -> Iterable[tuple[str, int]]:
        return {version.part: version.history_id for version in versions}.items()

    @staticmethod
    def _now(code: Code) -> dict[str, int]:
        """The version of each part that stands on the page."""
        return {
            **{
                f"section {kind}": number
                for kind, number in Section.objects.filter(code=code).values_list("kind", "version")
            },
            "entry": Entry.objects.filter(code=code).values_list("version", flat=True).first() or 0,
            "override": override_version(code),
        }

    @classmethod
    def find(cls, code: Code, key: str) -> "Version | None":
        """The version that a form names, such as "section:12", if it belongs to this code."""
        return next((version for version in cls.all_of(code) if version.key == key), None)

    @property
    def key(self) -> str:
        return f"{self.model}:{self.history_id}"

    @property
    def label(self) -> str:
        if self.model == "section":
            return str(Section.Kind(self.part.removeprefix("section ")).label)
        return "Title and sample wording" if self.model == "entry" else "Editor’s wording"

    def record(self) -> Any:
        return MODELS[self.model].history.get(history_id=self.history_id)


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version as the page shows it."""

    version: Version
    who: str
    when: datetime.datetime
    why: str
    what: str  # "created", "changed", "removed"
    notes: list[str] = field(default_factory=list)  # changes of status, title, flags
    lines: list[Line] = field(default_factory=list)
    may_come_back: bool = False


def versions_of(versions: Iterable[Version]) -> list[VersionView]:
    """The texts of one page of versions: two queries for each kind of row, however many there are."""
    versions = list(versions)
    records: dict[tuple[str, int], Any] = {}
    for model, rows in MODELS.items():
        ids = {v.history_id for v in versions if v.model == model} | {
            v.previous_id for v in versions if v.model == model
        }
        for record in rows.history.filter(history_id__in=ids - {None}).select_related("history_user"):
            records[model, record.history_id] = record
    return [_view(v, records[v.model, v.history_id], records.get((v.model, v.previous_id or 0))) for v in versions]


def _view(version: Version, record: Any, previous: Any) -> VersionView:
    was_there = previous is not None and previous.history_type != "-"
    is_gone = record.history_type == "-"
    old, new = _text(previous) if was_there else "", "" if is_gone else _text(record)
    return VersionView(
        version=version,
        who=str(record.history_user) if record.history_user else "An import or a command",
        when=record.history_date,
        why=record.history_change_reason or "",
        what={"+": "created", "~": "changed", "-": "removed"}[record.history_type],
        notes=_notes(previous, record) if was_there and not is_gone else [],
        lines=compare(old, new),
        may_come_back=not version.is_newest and not is_gone,
    )


def _text(record: Any) -> str:
    return str(record.sample_descriptor if hasattr(record, "sample_descriptor") else record.text)


NOTED = {
    "status": "Status",
    "title": "Plain title",
    "is_sample": "Sample content",
    "reviewed_by": "Reviewed by",
    "reviewed_on": "Reviewed on",
    "reason": "Reason",
}


def _notes(previous: Any, record: Any) -> list[str]:
    """What changed beside the text."""
    return [
        f"{label}: {getattr(previous, name) or '–'} → {getattr(record, name) or '–'}"
        for name, label in NOTED.items()
        if hasattr(record, name) and getattr(record, name) != getattr(previous, name)
    ]
