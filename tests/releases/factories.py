"""An importer that needs no table of any app, so that the pipeline is tested by itself."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from django.db.backends.utils import CursorWrapper

from releases.importers import EditionName, Reading, ReleaseError, ReleaseFile
from releases.reading import read_lines


class LinesImporter:
    """Takes every .txt; a row is a word and its line. Keeps nothing."""

    variants: ClassVar[Sequence[str]] = ("north", "south")
    columns: ClassVar[Mapping[str, str]] = {"kind": "text", "word": "text", "line": "integer"}
    key: ClassVar[Sequence[str]] = ("kind", "word")
    compared: ClassVar[Sequence[str]] = ("line",)
    groups: ClassVar[Mapping[str, str]] = {"word": "words"}
    words: ClassVar[Mapping[str, str]] = {}
    reworded: ClassVar[Mapping[str, str]] = {}
    terminated: ClassVar[str | None] = None
    name_column: ClassVar[str] = "word"
    chapter: ClassVar[str] = "left(word, 1)"

    def choose(self, container: str, names: Sequence[str]) -> list[str]:
        if chosen := [name for name in names if name.endswith(".txt")]:
            return chosen
        raise ReleaseError(f"{container} has no .txt.")

    def identify(self, names: Sequence[str]) -> EditionName | None:
        return EditionName.parse("2026-04")

    def read(self, files: Sequence[ReleaseFile]) -> Reading:
        return Reading(("word", line, number) for file in files for number, line in read_lines(file, encoding="utf-8"))

    def stored(self) -> str:
        return "SELECT ''::text AS kind, ''::text AS word, 0 AS line WHERE %(edition)s IS NULL AND false"

    def write(self, cursor: CursorWrapper, *, edition_id: int) -> None:
        pass

    def refresh(self, cursor: CursorWrapper, *, current_id: int, written_id: int | None = None) -> None:
        pass

    def remarks(self, cursor: CursorWrapper, *, edition_id: int) -> list[str]:
        return []

    def address(self, group: str, name: str) -> str:
        return ""
