"""From what the operator names (files, directories, archives, addresses) to the files of an edition."""

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from releases.clients import download
from releases.importers import Importer, Progress, ReleaseError, ReleaseFile
from releases.reading import DAMAGED

MAX_MEMBER = 4 * 1024**3  # unpacked; the largest file that CMS ships has 1 GB


def fetch(places: Sequence[str], *, importer: Importer, into: Path, progress: Progress) -> list[ReleaseFile]:
    """The files of the edition, downloads and archive members unpacked below `into`."""
    files: list[ReleaseFile] = []
    for number, place in enumerate(places):
        folder = into / str(number)
        folder.mkdir()
        if "://" in place:
            path = folder / name_in(place)
            download(place, path, progress=progress)
            files += open_file(path, importer=importer, into=folder, progress=progress, fetched_from=place)
        elif (path := Path(place)).is_dir():
            files += open_directory(path, importer=importer, progress=progress)
        elif path.is_file():
            files += open_file(path, importer=importer, into=folder, progress=progress)
        elif path.exists():
            raise ReleaseError(f"{place} is neither a file nor a directory.")
        else:
            raise ReleaseError(f"{place} does not exist.")
    return files


def name_in(url: str) -> str:
    """The file name at the end of an address."""
    try:
        return PurePosixPath(unquote(urlsplit(url).path)).name or "download"
    except ValueError as error:
        raise ReleaseError(f"{url} is no address: {error}.") from None


def open_file(
    path: Path, *, importer: Importer, into: Path, progress: Progress, fetched_from: str = ""
) -> list[ReleaseFile]:
    """The file itself, or what the importer chooses from it if it is an archive."""
    try:
        with path.open("rb") as stream:
            starts_like_zip = stream.read(2) == b"PK"
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {error.strerror}.") from None
    if not starts_like_zip:
        if path.suffix.lower() in {".zip", ".xlsx"}:
            raise ReleaseError(f"{path.name} is no {path.suffix[1:]} file, though its name says so. Fetch it again.")
        return [describe(path, path.name, fetched_from=fetched_from, progress=progress)]
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
            if "[Content_Types].xml" in names:  # a workbook is a zip, too
                return [describe(path, path.name, fetched_from=fetched_from, progress=progress)]
            chosen = importer.choose(path.name, names)
            return [
                unpack(archive, name, container=path.name, into=into, fetched_from=fetched_from, progress=progress)
                for name in chosen
            ]
    except DAMAGED as error:
        raise ReleaseError(f"{path.name} is a cut or damaged archive: {error}. Fetch it again.") from None
    except RuntimeError as error:  # how zipfile says that a password is needed
        raise ReleaseError(f"{path.name} cannot be unpacked: {error}.") from None


def unpack(
    archive: zipfile.ZipFile, name: str, *, container: str, into: Path, fetched_from: str, progress: Progress
) -> ReleaseFile:
    """One member, under a name of our own (the archive's names are not to be trusted), within bounds."""
    path = into / f"member-{len(list(into.iterdir()))}{PurePosixPath(name).suffix[:8]}"
    total, done = archive.getinfo(name).file_size, 0
    with archive.open(name) as source, path.open("wb") as target:
        while chunk := source.read(1 << 20):
            done += len(chunk)
            if done > MAX_MEMBER:
                raise ReleaseError(f"{container}/{name} unpacks to more than {MAX_MEMBER >> 30} GB. Refused.")
            target.write(chunk)
            progress("Unpacking", done, total)
    return describe(path, f"{container}/{name}", fetched_from=fetched_from, progress=progress)


def open_directory(path: Path, *, importer: Importer, progress: Progress) -> list[ReleaseFile]:
    names = sorted(str(found.relative_to(path)) for found in path.rglob("*") if found.is_file())
    return [
        describe(path / name, f"{path.name}/{name}", progress=progress) for name in importer.choose(path.name, names)
    ]


def describe(path: Path, name: str, *, progress: Progress, fetched_from: str = "") -> ReleaseFile:
    if not is_text(name):
        raise ReleaseError(f"The name of {name!a} is not UTF-8 and cannot be stored. Rename the file.")
    size, done, digest = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
            done += len(chunk)
            progress("Checking", done, size)
    return ReleaseFile(name, path, digest.hexdigest(), size, fetched_from)


def is_text(name: str) -> bool:
    """Whether a file name can be stored: Python reads bytes that are not UTF-8 as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def digest_of(files: Sequence[ReleaseFile]) -> str:
    """Of one file, its own sha256, so that `sha256sum` confirms it; of several, of their sorted sums."""
    if len(files) == 1:
        return files[0].sha256
    return hashlib.sha256("\n".join(sorted(file.sha256 for file in files)).encode()).hexdigest()
