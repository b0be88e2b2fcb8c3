"""Markdown as editors write it → HTML as pages show it.

Rendering happens once, when a text is saved. Two walls stand between an editor and a reader: the parser knows no raw
HTML, and what it makes is sanitised again by an allow-list, so a fault in one alone shows nothing harmful.
"""

import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import NamedTuple

import nh3
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from codes.converters import SYSTEMS, CodeConverter

MAX_LENGTH = 50_000
CODE_LINK = re.compile(rf"({'|'.join(sorted(SYSTEMS))}):({CodeConverter.regex})", re.IGNORECASE)
# Not "//host" and not "/\host", which browsers take for another site.
LOCAL_LINK = re.compile(r"/(?![/\\])\S*|#[\w-]+|/")
ALIGNMENTS = {"left", "center", "right"}


class Problem(NamedTuple):
    """Why a text is refused, and in which of its lines, counted from 1."""

    line: int
    message: str


def render(text: str) -> str:
    """HTML that is safe to show as it is. `##` becomes h3: on a page, h1 is the code and h2 the section."""
    return nh3.clean(
        str(_parser.render(text)),
        tags={
            *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "a", "ul", "ol", "li"),
            *("h3", "h4", "h5", "h6", "div", "table", "thead", "tbody", "tr", "th", "td"),
        },
        attributes={"a": {"href", "rel"}, "ol": {"start"}, "th": {"scope"}, "div": {"role", "aria-label", "tabindex"}},
        allowed_classes={
            "div": {"table-scroll"},
            "th": {f"align-{side}" for side in ALIGNMENTS},
            "td": {f"align-{side}" for side in ALIGNMENTS},
        },
        url_schemes={"https"},
        link_rel=None,  # set per link below: links between our own pages are followed
    )


def validate(text: str) -> None:
    """Refuse what `render` would drop or what a content file cannot hold, with a sentence for the editor."""
    if problems := find_problems(text):
        raise ValidationError([f"Line {problem.line}: {problem.message}" for problem in problems])


def find_problems(text: str) -> list[Problem]:
    if len(text) > MAX_LENGTH:
        return [Problem(1, f"The text has {len(text):,} characters; at most {MAX_LENGTH:,} fit in a section.")]
    return sorted(_problems(text))


def _problems(text: str) -> Iterator[Problem]:
    titles = set()
    for number, line in enumerate(text.split("\n"), start=1):
        if "\0" in line:
            yield Problem(number, "The text holds a NUL character. Remove it.")
        if line.startswith("# "):  # in a code block too: a content file is cut into sections at these lines
            titles.add(number)
            yield Problem(number, "“# ” is kept for the section's own title. Use “## ” for headings inside a section.")
    for token in _parser.parse(text):
        number = token.map[0] + 1 if token.map else 1
        if token.type == "heading_open" and token.tag == "h3" and token.meta["level"] == 1 and number not in titles:
            yield Problem(number, "A heading of the first level is kept for the section's title. Use “## ”.")
        for child in token.children or []:
            if child.type == "image":
                yield Problem(number, "Images are not shown. Describe in words what the picture would say.")
            elif child.type == "link_open" and not _is_safe(str(child.attrs["href"])):
                yield Problem(
                    number,
                    f"The link to “{child.attrs['href']}” is not allowed. Use https://…, an address on this "
                    "site such as /codes/, or a code such as cpt:38570.",
                )


def _is_safe(href: str) -> bool:
    return bool(href.startswith("https://") or CODE_LINK.fullmatch(href) or LOCAL_LINK.fullmatch(href))


class _Renderer(RendererHTML):
    """What differs from plain CommonMark output."""

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, object]
    ) -> str:
        href = str(tokens[idx].attrs["href"])
        if match := CODE_LINK.fullmatch(href):
            system, code = match.groups()
            return f'<a href="{reverse("codes:code", args=[system.lower(), code.upper()])}">'
        if not _is_safe(href):
            return ""  # the words stay, the address goes; the sanitiser drops the lone end tag
        if href.startswith("https://"):
            return f'<a href="{escape(href)}" rel="nofollow noopener">'
        return f'<a href="{escape(href)}">'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, object]) -> str:
        return escape(tokens[idx].content)

    def table_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, object]
    ) -> str:
        """A wide table scrolls by itself, by keyboard too. A group, not a region: many tables make no landmarks."""
        end = next(i for i in range(idx, len(tokens)) if tokens[i].type == "thead_close")
        columns = [token.content for token in tokens[idx:end] if token.type == "inline" and token.content]
        label = f"Table: {', '.join(columns)}" if columns else "Table"
        return f'<div class="table-scroll" role="group" aria-label="{escape(label)}" tabindex="0"><table>'

    def table_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, object]
    ) -> str:
        return "</table></div>\n"


def _shape(state: object) -> None:
    """Shift headings one level down, and align table cells by class: the policy allows no inline style."""
    for token in state.tokens:  # type: ignore[attr-defined]
        if token.type in {"heading_open", "heading_close"}:
            level = int(token.tag[1])
            token.meta["level"] = level
            token.tag = f"h{min(max(level, 2) + 1, 6)}"
        elif token.type in {"th_open", "td_open"}:
            side = str(token.attrs.pop("style", "")).removeprefix("text-align:")
            if side in ALIGNMENTS:
                token.attrs["class"] = f"align-{side}"
            if token.type == "th_open":
                token.attrs["scope"] = "col"


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])
    # Every link is parsed, so that `find_problems` can name the ones that `_Renderer` drops.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.core.ruler.push("shape", _shape)
    return parser


_parser = _make_parser()
