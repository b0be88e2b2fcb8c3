"""Editorial content as text: one Markdown file with front matter per code, and one YAML file with the headings.

Pure functions in both directions. What `write_code` makes is the canonical form: reading it and writing it again gives
the same bytes. `docs/editing.md` explains the format to editors.
"""

import datetime
import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from codes.actions import EntryText, SectionText, tidy
from codes.converters import SYSTEMS
from codes.markdown import find_problems
from codes.models import Entry, Section

TITLES = {kind.label: kind for kind in Section.Kind}
CODE = re.compile(r"[0-9A-Z][0-9A-Z.]{0,7}")
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,80}")
IMPORTED_ELSEWHERE = ("position", "is_resequenced", "added_on", "changed_on", "terminated_on", "successors")


class ContentProblem(NamedTuple):
    """What is wrong in a content file, where, and how to mend it."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class ContentError(Exception):
    """Content that cannot be taken; nothing of it was."""

    def __init__(self, problems: Iterable[ContentProblem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class CodeFile:
    """What one file says about one code. `entry` is None where the file has sections only."""

    system: str
    code: str
    entry: EntryText | None = None
    heading: str = ""  # slug; empty: the narrowest range that holds the code
    position: str = ""  # empty: the code itself
    is_resequenced: bool = False
    is_addon: bool = False
    added_on: datetime.date | None = None
    changed_on: datetime.date | None = None
    terminated_on: datetime.date | None = None
    successors: tuple[str, ...] | None = None  # None: nobody said; empty: the publisher names none
    sections: dict[str, SectionText] = field(default_factory=dict)  # by kind, in the order of Section.Kind
    lines: dict[str, int] = field(default_factory=dict, compare=False)  # where keys and sections stand

    @property
    def name(self) -> str:
        return f"{self.system}/{self.code}.md"


@dataclass(frozen=True, slots=True)
class HeadingNode:
    """One range of the table of contents, and the ranges inside it."""

    slug: str
    name: str
    first_code: str
    last_code: str
    children: tuple["HeadingNode", ...] = ()
    line: int = field(default=1, compare=False)


# --- Reading ----------------------------------------------------------------------------------------------------


# What an escape such as "\0" or "\ud800" brings into a quoted string, and no database takes.
UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


class _Text:
    """A string key of the front matter: its greatest length, and whether it may hold line breaks."""

    def __init__(self, length: int, *, breaks: bool = False) -> None:
        self.length, self.breaks = length, breaks

    def problem(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            return f'“{key}” must be text: write {key}: "{value}" in quotes.'
        if len(value) > self.length:
            return f"“{key}” has {len(value)} characters; at most {self.length} fit."
        if "\n" in value and not self.breaks:
            return f"“{key}” must stand on one line."
        if bad := UNSTORABLE.search(value):
            return f"“{key}” holds the character {bad.group()!r}. Remove it."
        return ""


class _Code(_Text):
    def problem(self, key: str, value: object) -> str:
        if found := super().problem(key, value):
            return found
        if not CODE.fullmatch(str(value)):
            return f"“{value}” is not a code in its canonical spelling, such as 38570, G0105 or C77.2."
        return ""


class _Flag:
    def problem(self, key: str, value: object) -> str:
        return "" if isinstance(value, bool) else f"“{key}” must be true or false."


class _Date:
    def problem(self, key: str, value: object) -> str:
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return ""
        return f"“{key}” must be a date without quotes, such as 2026-01-01."


class _List:
    def __init__(self, what: str) -> None:
        self.what = what

    def problem(self, key: str, value: object) -> str:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return ""
        return f"“{key}” must be a list of {self.what}."


_KEYS: dict[str, _Text | _Flag | _Date | _List] = {
    "system": _Text(20),
    "code": _Code(8),
    "title": _Text(Entry._meta.get_field("title").max_length or 0),
    "sample_descriptor": _Text(2000, breaks=True),
    "heading": _Text(80),
    "position": _Text(12),
    "is_resequenced": _Flag(),
    "is_addon": _Flag(),
    "added_on": _Date(),
    "changed_on": _Date(),
    "terminated_on": _Date(),
    "successors": _List('quoted codes, such as ["38571"]'),
    "is_sample": _Flag(),
    "reviewed_by": _Text(Entry._meta.get_field("reviewed_by").max_length or 0),
    "reviewed_on": _Date(),
    "drafts": _List("kinds of sections, such as [payment]"),
}
_ENTRY_KEYS = ("title", "sample_descriptor", "is_sample", "reviewed_by", "reviewed_on")


def read_code(path: Path, data: bytes) -> CodeFile:
    """Raises `ContentError` with every problem of the file."""
    text = _decode(path, data)
    problems: list[ContentProblem] = []
    front, body, first_line = _split(path, text)
    values, lines = _read_front(path, front, problems)
    sections = _read_sections(path, body, first_line, lines, problems)

    def complain(key: str, message: str) -> None:
        problems.append(ContentProblem(path, lines.get(key, 1), message))

    for key in ("system", "code"):
        if key not in values and key not in lines:
            complain(key, f"“{key}” is missing. Add it to the front matter.")
    system, code = values.get("system", ""), values.get("code", "")
    if system and system not in SYSTEMS:
        complain("system", f"Unknown system “{system}”{_hint(system, SYSTEMS)} Known are {', '.join(sorted(SYSTEMS))}.")
    if system and code and (path.parent.name, path.stem) != (system, code):
        complain("code", f"A file about {code} of {system} must be named {system}/{code}.md.")
    has_entry = any(key in values for key in _ENTRY_KEYS)
    if has_entry and not values.get("title", "").strip() and "title" not in lines:
        complain("title", "“title” is missing. Add the plain title to the front matter.")
    elif "title" in values and not values["title"].strip():
        complain("title", "“title” is empty. Write the plain title.")
    drafts = values.get("drafts", [])
    for kind in drafts:
        if kind not in sections:
            message = "has no section in this file" if kind in Section.Kind.values else "is no kind of section"
            complain("drafts", f"“{kind}” in “drafts” {message}{_hint(kind, sections)}")
    for successor in values.get("successors", []):
        if not CODE.fullmatch(successor):
            complain("successors", f"“{successor}” is not a code in its canonical spelling, such as 38570.")
    if problems:
        raise ContentError(sorted(problems, key=lambda problem: problem.line))
    return CodeFile(
        entry=EntryText(**{key: values[key] for key in _ENTRY_KEYS if key in values}) if has_entry else None,
        successors=tuple(values["successors"]) if "successors" in values else None,
        sections={
            kind: SectionText(sections[kind], Section.Status.DRAFT if kind in drafts else Section.Status.PUBLISHED)
            for kind in Section.Kind.values
            if kind in sections
        },
        lines=lines,
        **{key: value for key, value in values.items() if key not in {*_ENTRY_KEYS, "successors", "drafts"}},
    )


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ContentError(
            [ContentProblem(path, line, f"Byte {data[error.start]:#04x} is not UTF-8. Save the file as UTF-8.")]
        ) from None


def _split(path: Path, text: str) -> tuple[str, str, int]:
    """Front matter, body, and the line on which the body begins."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise ContentError([ContentProblem(path, 1, "The front matter is missing. Begin the file with a line “---”.")])
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    raise ContentError([ContentProblem(path, 1, "The front matter does not end. Close it with a line “---”.")])


def _compose(path: Path, text: str, first_line: int) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        message = "Not valid YAML: lists and mappings are nested too deeply."
        raise ContentError([ContentProblem(path, first_line, message)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        raise ContentError([ContentProblem(path, line, f"Not valid YAML: {error.problem}.")]) from None
    except yaml.reader.ReaderError as error:
        line = first_line + text[: error.position].count("\n")
        character = chr(error.character) if isinstance(error.character, int) else str(error.character)
        message = f"The character {character!r} is not allowed here. Remove it."
        raise ContentError([ContentProblem(path, line, message)]) from None


def _construct(node: yaml.Node) -> Any:
    """The value of a node. Raises `ValueError` for what looks like a date but is none, such as 2026-02-30."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ValueError(getattr(error, "problem", str(error))) from None
    finally:
        loader.dispose()


def _read_front(path: Path, text: str, problems: list[ContentProblem]) -> tuple[dict[str, Any], dict[str, int]]:
    root = _compose(path, text, first_line=2)
    if not isinstance(root, yaml.MappingNode):
        raise ContentError([ContentProblem(path, 2, "The front matter must be lines such as “title: …”.")])
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in root.value:
        key, line = str(key_node.value), key_node.start_mark.line + 2
        if key not in _KEYS:
            problems.append(ContentProblem(path, line, f"Unknown key “{key}”{_hint(key, _KEYS)}"))
            continue
        if key in lines:
            problems.append(ContentProblem(path, line, f"“{key}” stands here twice. Remove one."))
            continue
        lines[key] = line
        try:
            value = _construct(value_node)
        except ValueError as error:
            problems.append(ContentProblem(path, line, f"“{key}” cannot be read: {error}."))
            continue
        if message := _KEYS[key].problem(key, value):
            problems.append(ContentProblem(path, line, message))
        else:
            values[key] = value
    return values, lines


def _read_sections(
    path: Path, body: str, first_line: int, lines: dict[str, int], problems: list[ContentProblem]
) -> dict[str, str]:
    """Text by kind. A section begins at its title, "# Modifiers", and ends at the next one."""
    sections: dict[str, str] = {}
    for line, title, text in _cut(body, first_line):
        if title is None:
            if text.strip():
                message = (
                    f"Text before the first section. Put a title such as “# {Section.Kind.DESCRIPTION.label}” above."
                )
                problems.append(ContentProblem(path, line + _blank_lines(text), message))
            continue
        if title not in TITLES:
            problems.append(ContentProblem(path, line, f"Unknown section “{title}”{_hint(title, TITLES)}"))
            continue
        kind = TITLES[title].value
        if kind in sections:
            problems.append(ContentProblem(path, line, f"The section “{title}” stands here twice. Join the two."))
            continue
        sections[kind] = tidy(text)
        lines[kind] = line
        problems.extend(
            ContentProblem(path, line + _blank_lines(text) + problem.line, problem.message)
            for problem in find_problems(sections[kind])
        )
    return sections


def _blank_lines(text: str) -> int:
    """How many of them stand before the first words."""
    match = re.match(r"(?:[ \t]*\n)*", text)
    return match[0].count("\n") if match else 0


def _cut(body: str, first_line: int) -> Iterator[tuple[int, str | None, str]]:
    """(line of the title, title, text below it); the text above the first title comes without one."""
    start: int = first_line
    title: str | None = None
    rows: list[str] = []
    for number, row in enumerate(body.split("\n"), start=first_line):
        if row.startswith("# "):
            yield start, title, "\n".join(rows)
            start, title, rows = number, row[2:].strip(), []
        else:
            rows.append(row)
    yield start, title, "\n".join(rows)


def _hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean “{near[0]}”?" if near else "."


def read_headings(path: Path, data: bytes) -> dict[str, tuple[HeadingNode, ...]]:
    """The tree of each system. Raises `ContentError` with every problem of the file."""
    root = _compose(path, _decode(path, data), first_line=1)
    problems: list[ContentProblem] = []
    if not isinstance(root, yaml.MappingNode):
        raise ContentError([ContentProblem(path, 1, "Expected one list of headings per system, such as “cpt:”.")])
    trees = {}
    for key_node, value_node in root.value:
        system, line = str(key_node.value), key_node.start_mark.line + 1
        if system not in SYSTEMS:
            problems.append(ContentProblem(path, line, f"Unknown system “{system}”{_hint(system, SYSTEMS)}"))
        elif system in trees:
            problems.append(ContentProblem(path, line, f"“{system}” stands here twice. Join the two."))
        else:
            trees[system] = _read_nodes(path, value_node, None, {}, problems)
    if problems:
        raise ContentError(sorted(problems, key=lambda problem: problem.line))
    return trees


def _read_nodes(
    path: Path,
    node: yaml.Node,
    parent: tuple[str, str] | None,
    seen: dict[str, int],
    problems: list[ContentProblem],
) -> tuple[HeadingNode, ...]:
    nodes = []
    for child in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        line = child.start_mark.line + 1
        if not isinstance(child, yaml.MappingNode):
            problems.append(ContentProblem(path, line, "Expected a heading with slug, name and codes."))
            continue
        parts = {str(key.value): value for key, value in child.value}
        texts = {key: str(value.value) if isinstance(value, yaml.ScalarNode) else "" for key, value in parts.items()}
        bad = [f"Unknown key “{key}”{_hint(key, HEADING_KEYS)}" for key in parts if key not in HEADING_KEYS]
        slug, name, codes = (texts.get(key, "") for key in ("slug", "name", "codes"))
        first, _, last = codes.partition("-")
        last = last or first
        if not SLUG.fullmatch(slug):
            bad.append(f"“{slug}” is not a slug: use letters, digits and hyphens.")
        elif slug in seen:
            bad.append(f"The slug “{slug}” is already used in line {seen[slug]}.")
        if not name or len(name) > 160 or "\n" in name or UNSTORABLE.search(name):
            bad.append("“name” must be one line of at most 160 characters, none of them NUL.")
        if not (CODE.fullmatch(first) and CODE.fullmatch(last) and first <= last):
            bad.append(f'“codes” must be a range such as "38570-38589", not “{codes}”.')
        elif parent and not (parent[0] <= first and last <= parent[1]):
            bad.append(f"{codes} is not inside {parent[0]}-{parent[1]}, the range of the heading above it.")
        seen.setdefault(slug, line)
        problems.extend(ContentProblem(path, line, message) for message in bad)
        children: tuple[HeadingNode, ...] = ()
        if "children" in parts and not bad:
            children = _read_nodes(path, parts["children"], (first, last), seen, problems)
        nodes.append(HeadingNode(slug, name, first, last, children, line))
    return tuple(nodes)


HEADING_KEYS = ("slug", "name", "codes", "children")

# --- Writing ----------------------------------------------------------------------------------------------------


def write_code(file: CodeFile) -> str:
    """The canonical form: keys and sections in their fixed order, what is empty left out."""
    rows = [f"system: {file.system}", f"code: {_quoted(file.code)}"]
    if file.entry:
        rows.append(f"title: {_scalar(file.entry.title)}")
        if file.entry.sample_descriptor:
            rows.append(f"sample_descriptor: {_scalar(file.entry.sample_descriptor)}")
    if file.heading:
        rows.append(f"heading: {_scalar(file.heading)}")
    if file.position:
        rows.append(f"position: {_quoted(file.position)}")
    rows += [f"{key}: true" for key in ("is_resequenced", "is_addon") if getattr(file, key)]
    for key in ("added_on", "changed_on", "terminated_on"):
        if day := getattr(file, key):
            rows.append(f"{key}: {day.isoformat()}")
    if file.successors is not None:
        rows.append(f"successors: [{', '.join(map(_quoted, file.successors))}]")
    if file.entry:
        if file.entry.is_sample:
            rows.append("is_sample: true")
        if file.entry.reviewed_by:
            rows.append(f"reviewed_by: {_scalar(file.entry.reviewed_by)}")
        if file.entry.reviewed_on:
            rows.append(f"reviewed_on: {file.entry.reviewed_on.isoformat()}")
    sections = {kind: file.sections[kind] for kind in Section.Kind.values if kind in file.sections}
    if drafts := [kind for kind, section in sections.items() if section.status == Section.Status.DRAFT]:
        rows.append(f"drafts: [{', '.join(drafts)}]")
    parts = []
    for kind, section in sections.items():
        title = f"# {Section.Kind(kind).label}\n"
        parts.append(f"{title}\n{section.text}\n" if section.text else title)
    return "---\n" + "\n".join(rows) + "\n---\n" + "\n".join(parts)


def write_headings(trees: dict[str, tuple[HeadingNode, ...]]) -> str:
    rows: list[str] = []
    for system in sorted(SYSTEMS):
        if trees.get(system):
            rows.append(f"{system}:")
            rows.extend(_heading_rows(trees[system], "  "))
    return "\n".join(rows) + "\n" if rows else ""


def _heading_rows(nodes: Iterable[HeadingNode], indent: str) -> Iterator[str]:
    for node in nodes:
        yield f"{indent}- slug: {_scalar(node.slug)}"
        yield f"{indent}  name: {_scalar(node.name)}"
        yield f"{indent}  codes: {_quoted(f'{node.first_code}-{node.last_code}')}"
        if node.children:
            yield f"{indent}  children:"
            yield from _heading_rows(node.children, indent + "    ")


def _scalar(text: str) -> str:
    """Without quotes where YAML reads the same text back."""
    plain = yaml.safe_dump(text, width=float("inf"), allow_unicode=True)
    return text if plain in {f"{text}\n...\n", f"{text}\n"} else _quoted(text)


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True).rstrip("\n")
