"""From what the operator names to files: archives, directories, and what can be wrong with them."""

import hashlib
from pathlib import Path

import pytest

from releases import fetching, reading
from releases.fetching import digest_of, fetch
from releases.importers import ReleaseError, ReleaseFile, quiet
from releases.reading import read_lines, read_sheets
from tests.codes.imports.files import unzipped, workbook, zipped
from tests.releases.factories import LinesImporter


def get(tmp_path: Path, *places: str | Path) -> list[ReleaseFile]:
    into = tmp_path / "into"
    into.mkdir()
    return fetch([str(place) for place in places], importer=LinesImporter(), into=into, progress=quiet)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    [file] = get(tmp_path, write(tmp_path / "a.dat", b"data"))
    assert (file.name, file.size, file.sha256) == ("a.dat", 4, hashlib.sha256(b"data").hexdigest())
    assert digest_of([file]) == file.sha256


def test_of_an_archive_the_chosen_members_are_taken_under_names_of_our_own(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.zip", zipped({"../../evil.txt": b"one", "b/b.txt": b"two", "c.pdf": b"no"}))
    files = get(tmp_path, archive)
    assert [file.name for file in files] == ["a.zip/../../evil.txt", "a.zip/b/b.txt"]
    assert [file.path.read_bytes() for file in files] == [b"one", b"two"]
    assert all(file.path.parent == tmp_path / "into" / "0" for file in files)


def test_the_same_file_packed_or_not_is_the_same_bytes(tmp_path: Path) -> None:
    plain, packed = write(tmp_path / "a.txt", b"one"), write(tmp_path / "a.zip", zipped({"a.txt": b"one"}))
    one, other = get(tmp_path, plain, packed)
    assert digest_of([one]) == digest_of([other])


def test_the_digest_of_several_files_does_not_depend_on_their_order(tmp_path: Path) -> None:
    files = get(tmp_path, write(tmp_path / "a.txt", b"one"), write(tmp_path / "b.txt", b"two"))
    assert digest_of(files) == digest_of(files[::-1]) != digest_of(files[:1])


def test_of_a_directory_the_chosen_files_are_taken(tmp_path: Path) -> None:
    (tmp_path / "delivery" / "standard").mkdir(parents=True)
    write(tmp_path / "delivery" / "standard" / "LONG.txt", b"x")
    write(tmp_path / "delivery" / "notes.pdf", b"x")
    assert [file.name for file in get(tmp_path, tmp_path / "delivery")] == ["delivery/standard/LONG.txt"]


def test_a_workbook_is_not_unpacked(tmp_path: Path) -> None:
    [file] = get(tmp_path, write(tmp_path / "a.xlsx", workbook([["a"]])))
    assert file.name == "a.xlsx"


@pytest.mark.parametrize("data", [b"PK", zipped({"a.txt": b"x" * 1000})[:60], zipped({"a.txt": b"x"})[:-5]])
def test_a_cut_archive_is_refused_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ReleaseError, match=r"a\.zip is a cut or damaged archive"):
        get(tmp_path, write(tmp_path / "a.zip", data))


@pytest.mark.parametrize("at", [30 + len("a.txt"), 100])
def test_an_archive_with_a_damaged_member_is_refused(tmp_path: Path, at: int) -> None:
    data = bytearray(zipped({"a.txt": bytes(range(256)) * 40}))
    data[at] ^= 0xFF
    with pytest.raises(ReleaseError, match=r"a\.zip is a cut or damaged archive"):
        get(tmp_path, write(tmp_path / "a.zip", bytes(data)))


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"secret"}))
    data[6] |= 1  # the flag in the member's own header …
    data[data.index(b"PK\x01\x02") + 8] |= 1  # … and in the archive's directory
    with pytest.raises(ReleaseError, match=r"a\.zip cannot be unpacked: .*password"):
        get(tmp_path, write(tmp_path / "a.zip", bytes(data)))


def test_an_archive_without_what_is_needed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"a\.zip has no \.txt"):
        get(tmp_path, write(tmp_path / "a.zip", zipped({"a.pdf": b"x"})))


def test_a_member_that_explodes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_MEMBER", 1 << 20)
    archive = write(tmp_path / "a.zip", zipped({"a.txt": b"\0" * (3 << 20)}))
    with pytest.raises(ReleaseError, match=r"a\.zip/a\.txt unpacks to more than"):
        get(tmp_path, archive)


def test_a_workbook_that_explodes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WORKBOOK", 1 << 20)
    [file] = get(tmp_path, write(tmp_path / "a.xlsx", workbook([["x" * (3 << 20)]])))
    with pytest.raises(ReleaseError, match=r"a\.xlsx unpacks to more than 1 MB"):
        list(read_sheets(file))


@pytest.mark.parametrize(("row", "column"), [("1048576", "XFD"), ("99999999", "A"), ("700", "xfd")])
def test_a_workbook_that_reaches_far_out_is_refused(tmp_path: Path, row: str, column: str) -> None:
    """The library makes room for every cell up to the last: 1 KB would take 550 GB, and end the process."""
    parts = unzipped(workbook([[1.0, 2.0]]))
    sheet = parts["xl/worksheets/sheet1.xml"]
    sheet = sheet.replace(b"<c><v>1", f'<c r="A{row}"><v>1'.encode()).replace(
        b"<c><v>2", f"<c r='{column}1'><v>2".encode()
    )
    [file] = get(tmp_path, write(tmp_path / "a.xlsx", zipped(parts | {"xl/worksheets/sheet1.xml": sheet})))
    with pytest.raises(ReleaseError, match=r"a\.xlsx reaches to row .* Refused"):
        list(read_sheets(file))


def test_a_file_whose_name_cannot_be_stored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="Rename the file"):
        get(tmp_path, write(tmp_path / "a\udcff.dat", b"data"))


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="is no address"):
        get(tmp_path, "https://[::1/a.dat")


def test_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="nowhere does not exist"):
        get(tmp_path, tmp_path / "nowhere")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="is neither a file nor a directory"):
        get(tmp_path, "/dev/null")


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    [file] = get(tmp_path, write(tmp_path / "a.txt", b"\xef\xbb\xbfone\r\n\r\ntwo\n"))
    assert list(read_lines(file, encoding="utf-8")) == [(1, "one"), (2, ""), (3, "two")]
