"""Reading publishers' files without trusting them: bounded lines, named bytes, workbooks that cannot explode."""

import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import python_calamine

from releases.importers import ReleaseError, ReleaseFile, RowError

MAX_LINE = 64 * 1024
MAX_WORKBOOK = 512 * 1024 * 1024  # unpacked; the largest CMS workbook has 40 MB
MAX_CELLS = 10_000_000  # up to the last row and column that hold something; CMS's HCPCS workbook has 330,000
CELL = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,9})["']""")
# What zipfile raises when an archive is cut, damaged, or packed in a way that Python cannot unpack.
DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, NotImplementedError),
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read_lines(file: ReleaseFile, *, encoding: str) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends; a bad byte, a huge line or a cut last line raises RowError."""
    with file.path.open("rb") as stream:
        number = 0
        while raw := stream.readline(MAX_LINE):
            number += 1
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if not raw.endswith(b"\n"):
                if len(raw) >= MAX_LINE:
                    raise RowError(file.name, number, MAX_LINE, f"expected a line end within {MAX_LINE:,} bytes")
                raise RowError(file.name, number, len(raw) + 1, "expected a line end; the file seems to be cut here")
            try:
                line = raw.removesuffix(b"\n").removesuffix(b"\r").decode(encoding)
            except UnicodeDecodeError as error:
                bad = raw[error.start]
                raise RowError(
                    file.name, number, error.start + 1, f"expected {encoding} text, found the byte 0x{bad:02X}"
                ) from None
            if bad_character := CONTROL.search(line):
                raise RowError(
                    file.name,
                    number,
                    bad_character.start() + 1,
                    f"expected text, found the control character 0x{ord(bad_character.group()):02X}",
                )
            yield number, line
        if number == 0:
            raise RowError(file.name, 1, 1, "expected data; the file is empty")


def is_zip(file: ReleaseFile) -> bool:
    with file.path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def read_sheets(file: ReleaseFile) -> Iterator[tuple[str, list[list[Any]]]]:
    """Every sheet of a workbook with its rows, blank leading rows included, so that row 1 is line 1."""
    refuse_bomb(file)
    broken = ReleaseError(f"{file.name} is no readable workbook; it seems to be cut or damaged. Fetch it again.")
    try:
        with python_calamine.load_workbook(str(file.path)) as workbook:
            for name in workbook.sheet_names:
                yield name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, ValueError):
        raise broken from None
    except BaseException as error:
        # A panic of the Rust library derives from BaseException and has no name to import.
        if type(error).__name__ == "PanicException":
            raise broken from None
        raise


def refuse_bomb(file: ReleaseFile) -> None:
    """Unpacks a workbook without keeping it: what it says about its own sizes may be a lie."""
    total = 0
    try:
        with zipfile.ZipFile(file.path) as archive:
            for member in archive.infolist():
                with archive.open(member) as stream:
                    row = column = 0
                    rest = b""
                    while chunk := stream.read(1 << 20):
                        total += len(chunk)
                        if total > MAX_WORKBOOK:
                            raise ReleaseError(f"{file.name} unpacks to more than {MAX_WORKBOOK >> 20} MB. Refused.")
                        # The library makes room for every cell up to the last row and column.
                        for letters, digits in set(CELL.findall(rest + chunk)):
                            row, column = max(row, int(digits)), max(column, number_of_column(letters))
                        if row * column > MAX_CELLS:
                            raise ReleaseError(f"{file.name} reaches to row {row:,} and column {column:,}. Refused.")
                        rest = chunk[-100:]  # a cell may begin here
    except (*DAMAGED, RuntimeError):  # the last is how zipfile says that a password is needed
        raise ReleaseError(
            f"{file.name} is no readable workbook; it seems to be cut or damaged. Fetch it again."
        ) from None


def number_of_column(letters: bytes) -> int:
    """A → 1, AA → 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
