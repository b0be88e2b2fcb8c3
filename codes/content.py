"""Editorial content between files and the database.

An import brings what changed in the files since they last agreed with the database, and never undoes an edit: if both
the file and the database changed since then, it refuses and names the place. `overwrite` lets the files win.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from codes.actions import (
    EntryText,
    SectionText,
    begin_writing,
    delete_text,
    digest_of,
    entry_text_of,
    save_entry,
    save_section,
    text_of,
)
from codes.content_files import (
    IMPORTED_ELSEWHERE,
    CodeFile,
    ContentError,
    ContentProblem,
    HeadingNode,
    read_code,
    read_headings,
    write_code,
    write_headings,
)
from codes.imports.placing import find_places, place_codes
from codes.models import Code, CodeSystem, Entry, Heading, Section

REASON = "import_content"
HEADINGS = "headings.yaml"


@dataclass
class ContentReport:
    """What an import did, by file name; `kept` names edits that are newer than an unchanged file."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    headings_changed: int = 0


@dataclass
class ExportReport:
    """What an export did, by file name; `stale` names files about codes that have no content in the database."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


def import_content(*, folder: Path, overwrite: bool = False, dry_run: bool = False) -> ContentReport:
    """Take in a folder of content, all of it or nothing. Raises `ContentError` with every problem."""
    trees, files = read_folder(folder)
    report = ContentReport()
    with transaction.atomic():
        begin_writing()
        systems = {system.slug: system for system in CodeSystem.objects.all()}
        for slug, nodes in trees.items():
            report.headings_changed += _import_headings(systems[slug], nodes)
        _import_codes(folder, systems, files, report, overwrite=overwrite)
        if dry_run:
            transaction.set_rollback(True)
    return report


def read_folder(folder: Path) -> tuple[dict[str, tuple[HeadingNode, ...]], list[CodeFile]]:
    """The headings and all files of a folder, or a `ContentError` with the problems of all of them."""
    trees: dict[str, tuple[HeadingNode, ...]] = {}
    files: list[CodeFile] = []
    problems: list[ContentProblem] = []
    headings = folder / HEADINGS
    paths = sorted(folder.glob("*/*.md"))
    if not paths and not headings.exists():
        raise ContentError(
            [ContentProblem(folder, 1, f"No content here: expected {HEADINGS} or files such as cpt/38570.md.")]
        )
    try:
        trees = read_headings(headings, read_file(headings)) if headings.exists() else {}
    except ContentError as error:
        problems.extend(error.problems)
    for path in paths:
        try:
            files.append(read_code(path, read_file(path)))
        except ContentError as error:
            problems.extend(error.problems)
    if problems:
        raise ContentError(problems)
    return trees, files


def read_file(path: Path) -> bytes:
    """What a file holds. A pipe, at which one would wait for ever, or a folder is none, whatever its name says."""
    if not path.is_file():
        raise ContentError([ContentProblem(path, 1, "This is no file.")])
    try:
        return path.read_bytes()
    except OSError as error:
        raise ContentError([ContentProblem(path, 1, f"This file cannot be read: {error.strerror}.")]) from None


# --- Headings ---------------------------------------------------------------------------------------------------


def _import_headings(system: CodeSystem, nodes: Sequence[HeadingNode]) -> int:
    """Make a system's tree what the file says, and place its codes anew if that changed anything."""
    old = {heading.slug: heading for heading in Heading.objects.filter(system=system)}
    kept: set[str] = set()
    changed = position = 0

    def walk(nodes: Iterable[HeadingNode], parent: Heading | None) -> None:
        nonlocal changed, position
        for node in nodes:
            position += 1
            heading = old.get(node.slug) or Heading(system=system, slug=node.slug)
            before = _heading_values(heading) if heading.pk else None
            heading.parent, heading.name, heading.position = parent, node.name, position
            heading.first_code, heading.last_code = node.first_code, node.last_code
            if before != _heading_values(heading):
                heading.save()
                changed += 1
            kept.add(node.slug)
            walk(node.children, heading)

    walk(nodes, None)
    if gone := [heading for slug, heading in old.items() if slug not in kept]:
        Code.objects.filter(heading__in=gone).update(heading=None)
        Heading.objects.filter(parent__in=gone).update(parent=None)  # children before parents, whatever the depth
        changed += len(gone)
        Heading.objects.filter(pk__in=[heading.pk for heading in gone]).delete()
    if changed:
        place_codes(system, again=True)
    return changed


def _heading_values(heading: Heading) -> tuple[object, ...]:
    return heading.parent_id, heading.name, heading.position, heading.first_code, heading.last_code


def _tree_of(headings: Iterable[Heading]) -> tuple[HeadingNode, ...]:
    children: dict[int | None, list[Heading]] = {}
    for heading in headings:
        children.setdefault(heading.parent_id, []).append(heading)

    def nodes(parent: int | None) -> tuple[HeadingNode, ...]:
        return tuple(
            HeadingNode(heading.slug, heading.name, heading.first_code, heading.last_code, nodes(heading.pk))
            for heading in children.get(parent, [])
        )

    return nodes(None)


# --- Codes, entries and sections --------------------------------------------------------------------------------


def _import_codes(
    folder: Path, systems: dict[str, CodeSystem], files: list[CodeFile], report: ContentReport, *, overwrite: bool
) -> None:
    problems: list[ContentProblem] = []
    rows = _load(files)
    headings = {(heading.system_id, heading.slug): heading for heading in Heading.objects.all()}
    new: dict[str, Code] = {}
    for file in files:
        system, path = systems[file.system], folder / file.name
        if system.source_id is not None:
            for key in IMPORTED_ELSEWHERE:
                if key in file.lines:
                    message = f"“{key}” comes with the releases of {system.name}. Remove it here."
                    problems.append(ContentProblem(path, file.lines[key], message))
        if file.heading and (system.pk, file.heading) not in headings:
            message = f"Unknown heading “{file.heading}”. Use a slug of {HEADINGS}."
            problems.append(ContentProblem(path, file.lines["heading"], message))
        if file.name not in rows:
            new[file.name] = rows[file.name] = Code.objects.create(
                system=system, code=file.code, position=file.position or file.code
            )
    if problems:
        raise ContentError(problems)
    places = find_places([row.pk for row in rows.values()])
    for file in files:
        row = rows[file.name]
        heading = headings[row.system_id, file.heading].pk if file.heading else places[row.pk]
        wrote = _write_code_columns(row, file, heading, owned=row.system.source_id is None)
        merge = _Merge(folder / file.name, row, overwrite=overwrite)
        merge.entry(file)
        for kind in Section.Kind:
            merge.section(file, kind)
        problems.extend(merge.problems)
        report.kept.extend(merge.kept)
        if file.name in new:
            report.added.append(file.name)
        elif wrote or merge.wrote:
            report.changed.append(file.name)
        else:
            report.unchanged.append(file.name)
    if problems:
        raise ContentError(problems)


def _load(files: Iterable[CodeFile]) -> dict[str, Code]:
    """The codes of the files that exist already, by file name, with what is said about them."""
    found = (
        Code.objects.filter(system__slug__in={file.system for file in files}, code__in={file.code for file in files})
        .select_related("system", "entry")
        .prefetch_related("sections")
    )
    return {f"{code.system.slug}/{code.code}.md": code for code in found}


def _write_code_columns(row: Code, file: CodeFile, heading_id: int | None, *, owned: bool) -> bool:
    """Content files own a code's place in the book and its dates only where no release brings them."""
    values: dict[str, Any] = {"heading_id": heading_id, "is_addon": file.is_addon}
    if owned:
        values |= {
            "position": file.position or file.code,
            "is_resequenced": file.is_resequenced,
            "added_on": file.added_on,
            "changed_on": file.changed_on,
            "terminated_on": file.terminated_on,
            "successors": None if file.successors is None else list(file.successors),
        }
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)
    return bool(changed)


class _Merge:
    """Brings one file into one code, part by part: three-way, its base the digest of what both last agreed on."""

    def __init__(self, path: Path, code: Code, *, overwrite: bool) -> None:
        self.path, self.code, self.overwrite = path, code, overwrite
        self.sections = {section.kind: section for section in code.sections.all()}
        self.problems: list[ContentProblem] = []
        self.kept: list[str] = []
        self.wrote = False

    def entry(self, file: CodeFile) -> None:
        row = getattr(self.code, "entry", None)
        if self._is_to_be_written(row, file.entry, "entry", file.lines.get("title", 1)):
            if file.entry is None:
                delete_text(row, reason=REASON)  # type: ignore[arg-type]
            else:
                save_entry(code=self.code, entry=file.entry, **self._signature(row, file.entry))

    def section(self, file: CodeFile, kind: Section.Kind) -> None:
        row, mine = self.sections.get(kind), file.sections.get(kind)
        if self._is_to_be_written(row, mine, f"section “{kind.label}”", file.lines.get(kind, 1)):
            if mine is None:
                delete_text(row, reason=REASON)  # type: ignore[arg-type]
            else:
                save_section(
                    code=self.code, kind=kind, text=mine.text, status=mine.status, **self._signature(row, mine)
                )

    def _signature(self, row: Entry | Section | None, mine: EntryText | SectionText) -> dict[str, Any]:
        version = row.version if row else 0
        return {"version": version, "reason": REASON, "imported_digest": digest_of(mine)}

    def _is_to_be_written(
        self, row: Entry | Section | None, mine: EntryText | SectionText | None, what: str, line: int
    ) -> bool:
        theirs = text_of(row) if row else None
        base = row.imported_digest if row else ""
        digest = digest_of(mine) if mine else ""
        if mine == theirs:
            if row and base != digest:  # an edit and its export met: from here on both agree
                type(row)._default_manager.filter(pk=row.pk).update(imported_digest=digest)
            return False
        if self.overwrite or theirs is None or digest_of(theirs) == base:
            self.wrote = True
            return True
        if digest == base:
            self.kept.append(f"{self.path}: the {what} was edited on the site and is kept")
            return False
        self.problems.append(
            ContentProblem(
                self.path,
                line,
                f"The {what} was edited on the site and in this file since they last agreed. Export it and join the "
                "two, or import with --overwrite to take the file's.",
            )
        )
        return False


# --- Export -----------------------------------------------------------------------------------------------------


def export_content(*, folder: Path) -> ExportReport:
    """Write all content as files. A file that says what the database says is left as it is; none is deleted."""
    report = ExportReport()
    names = set()
    for file in collect_files():
        names.add(file.name)
        _write(folder / file.name, write_code(file), file.name, report)
    trees = {
        system.slug: _tree_of(Heading.objects.filter(system=system).order_by("position"))
        for system in CodeSystem.objects.all()
    }
    trees = {slug: tree for slug, tree in trees.items() if tree}
    headings = folder / HEADINGS
    if headings.exists() and read_headings(headings, headings.read_bytes()) == trees:
        report.unchanged.append(HEADINGS)  # its comments and layout are the editors'
    elif trees:
        _write(headings, write_headings(trees), HEADINGS, report)
    report.stale = sorted(
        name for path in folder.glob("*/*.md") if (name := path.relative_to(folder).as_posix()) not in names
    )
    return report


def _write(path: Path, text: str, name: str, report: ExportReport) -> None:
    data = text.encode()
    if path.exists() and path.read_bytes() == data:
        report.unchanged.append(name)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    report.written.append(name)


def collect_files() -> list[CodeFile]:
    """Every code that editors have said something about, in book order."""
    codes = list(Code.objects.with_content().select_related("system", "heading", "entry").prefetch_related("sections"))
    places = find_places([code.pk for code in codes])
    return [_file_of(code, is_placed=code.heading_id == places[code.pk]) for code in codes]


def _file_of(code: Code, *, is_placed: bool) -> CodeFile:
    entry = getattr(code, "entry", None)
    sections = {section.kind: SectionText(section.text, section.status) for section in code.sections.all()}
    owned: dict[str, Any] = {}
    if code.system.source_id is None:
        owned = {
            "position": "" if code.position == code.code else code.position,
            "is_resequenced": code.is_resequenced,
            "added_on": code.added_on,
            "changed_on": code.changed_on,
            "terminated_on": code.terminated_on,
            "successors": None if code.successors is None else tuple(code.successors),
        }
    return CodeFile(
        system=code.system.slug,
        code=code.code,
        entry=entry_text_of(entry) if entry else None,
        heading="" if is_placed or code.heading is None else code.heading.slug,
        is_addon=code.is_addon,
        sections={kind: sections[kind] for kind in Section.Kind.values if kind in sections},
        **owned,
    )
