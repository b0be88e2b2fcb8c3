"""What changed between two texts, as an editor reads it: line by line, with the changed words marked."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

CONTEXT = 2  # unchanged lines shown around a change
WORDS = 2_000  # lines with more are compared as a whole: comparing words costs the square of their number


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison. `pieces` are its parts and whether each was changed."""

    kind: str  # "same", "removed", "added", "gap"
    pieces: tuple[tuple[str, bool], ...] = ()


def compare(old: str, new: str) -> list[Line]:
    """Empty if nothing changed."""
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return []
    lines: list[Line] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(CONTEXT)):
        if number:
            lines.append(Line("gap"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines.extend(Line("same", ((text, False),)) for text in before[i1:i2])
            else:
                lines.extend(_changed(before[i1:i2], after[j1:j2]))
    return lines


def _changed(before: list[str], after: list[str]) -> Iterator[Line]:
    if len(before) != len(after):
        yield from (Line("removed", ((text, False),)) for text in before)
        yield from (Line("added", ((text, False),)) for text in after)
        return
    for old, new in zip(before, after, strict=True):
        removed, added = _words(old, new)
        yield Line("removed", removed)
        yield Line("added", added)


def _words(old: str, new: str) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    before, after = re.findall(r"\s+|\w+|[^\w\s]", old), re.findall(r"\s+|\w+|[^\w\s]", new)
    if max(len(before), len(after)) > WORDS:
        return ((old, False),), ((new, False),)
    removed, added = [], []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if i1 < i2:
            removed.append(("".join(before[i1:i2]), tag != "equal"))
        if j1 < j2:
            added.append(("".join(after[j1:j2]), tag != "equal"))
    return tuple(removed), tuple(added)
