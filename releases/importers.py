"""What the pipeline asks of an importer, and the words both share. docs/imports.md shows how to write one."""

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from django.db.backends.utils import CursorWrapper

Row = tuple[object, ...]
Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much is done, and how much there is (None: nobody knows)."""


def quiet(doing: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


class ReleaseError(Exception):
    """Stops an import with one sentence for the operator. Nothing was written."""


class AlreadyImported(ReleaseError):
    """The edition is here already; nothing is wrong and nothing was done."""


class RowError(ReleaseError):
    """A place in a file where something else was expected."""

    def __init__(self, file: str, line: int, column: int | str, problem: str) -> None:
        self.file, self.line, self.column, self.problem = file, line, column, problem
        super().__init__(f"{file}, line {line}, column {column}: {problem}")


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One fetched file, ready to be read."""

    name: str  # as errors and reports call it: "2018-Alpha-Numeric-HCPCS-File.zip/HCPC2018_CONTR_ANWEB_disc.txt"
    path: Path
    sha256: str
    size: int
    fetched_from: str = ""


MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


class EditionName(NamedTuple):
    """The label of an edition and the day that it takes effect."""

    label: str
    effective_on: datetime.date
    is_sample: bool = False

    @classmethod
    def parse(cls, label: str) -> "EditionName":
        """From a label as operators write it: 2019, 2026Q1, 2026-04, FY2025; `-sample` behind it marks a sample."""
        match = re.fullmatch(
            r"(?:(?P<year>\d{4})|(?P<quarters>\d{4})Q(?P<quarter>[1-4])|(?P<months>\d{4})-(?P<month>0[1-9]|1[0-2])"
            r"|FY(?P<fiscal>\d{4}))(?P<sample>-sample)?",
            label,
            re.ASCII,
        )
        if match is None:
            raise ReleaseError(f"{label!r} is no edition. Write 2019, 2026Q1, 2026-04 or FY2025.")
        year = int(match["year"] or match["quarters"] or match["months"] or match["fiscal"])
        if not 1966 <= year <= 2100:
            raise ReleaseError(f"{label!r} is no edition: the year {year} cannot be right.")
        if match["fiscal"]:
            effective_on = datetime.date(year - 1, 10, 1)  # the fiscal year of the United States begins in October
        elif match["quarter"]:
            effective_on = datetime.date(year, 3 * int(match["quarter"]) - 2, 1)
        else:
            effective_on = datetime.date(year, int(match["month"] or 1), 1)
        return cls(label, effective_on, bool(match["sample"]))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files of an edition hold. Reading the rows may raise RowError at any row."""

    rows: Iterator[Row]  # in the order of Importer.columns
    lacks: tuple[str, ...] = ()  # columns, and groups of rows, that this form of the files does not have
    skipped: Callable[[], dict[str, int]] = dict  # after the last row: why rows were left out, and how many


class Importer(Protocol):
    """Reads the files of one source and writes them to its app's tables.

    The pipeline fetches, stages, compares, refuses, publishes and reports; an importer only knows its files and its
    tables. Every row lands in the temporary table `release_staging`, whose columns it names here.
    """

    variants: ClassVar[Sequence[str]]  # the branches of the source; empty if it has one
    columns: ClassVar[Mapping[str, str]]  # of release_staging → their PostgreSQL types
    key: ClassVar[Sequence[str]]  # columns that tell rows apart; the first is the group
    compared: ClassVar[Sequence[str]]  # columns in which a row counts as changed
    groups: ClassVar[Mapping[str, str]]  # what the rows of a group are called: {"hcpcs": "codes"}
    words: ClassVar[Mapping[str, str]]  # columns whose names do not read well: {"asc_group": "ASC group"}
    reworded: ClassVar[Mapping[str, str]]  # text columns counted by themselves: {"long": "long descriptions"}
    terminated: ClassVar[str | None]  # the column that holds a last day, if rows have one
    name_column: ClassVar[str]  # what reports list: the code
    chapter: ClassVar[str]  # SQL over a key column: parts of the book that can be missing whole when a file was cut

    def choose(self, container: str, names: Sequence[str]) -> list[str]:
        """Of the names in an archive or directory, the files that make up an edition; raises if one is missing."""

    def identify(self, names: Sequence[str]) -> EditionName | None:
        """The edition that file names tell, if they do."""

    def read(self, files: Sequence[ReleaseFile]) -> Reading:
        """Parses lazily. Depends on the bytes alone, touches nothing."""

    def stored(self) -> str:
        """SELECT of the rows of the edition %(edition)s, with key, compared and name columns named as staged."""

    def write(self, cursor: CursorWrapper, *, edition_id: int) -> None:
        """Upserts release_staging as the edition's rows, and deletes rows of it that are not staged."""

    def refresh(self, cursor: CursorWrapper, *, current_id: int, written_id: int | None = None) -> None:
        """Recomputes what depends on which edition is current.

        Given `written_id`, an older edition was just stored: only things that no other edition knows may change.
        """

    def address(self, group: str, name: str) -> str:
        """Where the site shows a row of a report, or nothing."""

    def remarks(self, cursor: CursorWrapper, *, edition_id: int) -> list[str]:
        """Sentences that editors should read in the report, such as overrides whose original changed."""


def words_for(importer: Importer, name: str) -> str:
    """A column, or a group of rows, as reports call it."""
    return importer.groups.get(name) or importer.words.get(name) or name.replace("_", " ")
