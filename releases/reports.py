"""What an import found, as the command prints it, the edition keeps it and the freshness board shows it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import UnionType
from typing import Any, TypeVar, get_origin, get_type_hints

T = TypeVar("T")

NAMES_KEPT = 500  # of the codes behind a count; a release that changes more is read in its own file


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The rows of one group, such as codes or modifiers, compared with the edition before.

    "No longer listed" and "newly terminated" are different things: the first is silence, the second a last day that
    the publisher gives.
    """

    group: str
    name: str  # what its rows are called: "codes"
    compared: bool  # False: there is no edition before, or its files have no such rows
    rows: int
    rows_before: int
    added: int
    changed: int
    unchanged: int
    no_longer_listed: int
    newly_terminated: int
    reworded: dict[str, int]  # "long descriptions" → how many of the changed
    by_column: dict[str, int]  # "coverage" → how many of the changed differ there
    names: dict[str, list[str]] = field(default_factory=dict)  # "added" → the first of them

    def lines(self) -> list[str]:
        if not self.compared:
            return [f"{self.rows:,} {self.name}"]
        lines = [
            f"{self.rows:,} {self.name}: {self.added:,} added, {self.no_longer_listed:,} no longer listed, "
            f"{self.newly_terminated:,} newly terminated, {self.changed:,} changed, {self.unchanged:,} unchanged"
        ]
        if self.reworded:
            lines.append("  reworded: " + ", ".join(f"{count:,} {text}" for text, count in self.reworded.items()))
        if self.names.get("no_longer_listed"):
            lines.append("  no longer listed: " + shorten(self.names["no_longer_listed"]))
        return lines


@dataclass(frozen=True, slots=True)
class ImportReport:
    source: str
    edition: str
    outcome: str
    predecessor: str | None
    groups: list[GroupReport]
    lacks: list[str]
    skipped: dict[str, int]
    remarks: list[str]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ImportReport | None":
        """The report of an edition; None for one that no import wrote (tests and hand-made rows)."""
        if not kept:
            return None
        groups = [restore(GroupReport, group) for group in kept.get("groups", [])]
        return restore(cls, {**kept, "groups": groups})

    def lines(self) -> list[str]:
        compared = f"compared with {self.predecessor}" if self.predecessor else "nothing to compare it with"
        lines = [f"{self.source} {self.edition}, {compared}"]
        for group in self.groups:
            lines += group.lines()
        if self.lacks:
            lines.append(f"not in these files, so unknown: {', '.join(self.lacks)}")
        lines += [f"left out: {count:,} {reason}" for reason, count in self.skipped.items()]
        return [*lines, *self.remarks, f"{self.outcome} ({self.seconds:.1f} s)"]


def restore(cls: type[T], kept: Mapping[str, Any]) -> T:
    """What another version of this program kept: a field that it did not know yet is empty, one that we do not know
    is left out."""
    hints = get_type_hints(cls)
    return cls(**{name: kept[name] if name in kept else empty(hint) for name, hint in hints.items()})


def empty(hint: Any) -> Any:
    return None if isinstance(hint, UnionType) else (get_origin(hint) or hint)()


def shorten(names: list[str], *, keep: int = 20) -> str:
    more = f" and {len(names) - keep:,} more" if len(names) > keep else ""
    return ", ".join(names[:keep]) + more
