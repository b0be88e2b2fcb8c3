from html.parser import HTMLParser

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from codes.markdown import MAX_LENGTH, find_problems, render, validate

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    '<a href="javascript:alert(1)">x</a>',
    "<style>*{display:none}</style>",
    "<div style='position:fixed' onclick=alert(1)>x</div>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](//evil.example/)",
    "[x](/\\evil.example/)",
    "[x](\\\\evil.example)",
    '[x](https://a.example/"onmouseover="alert(1))',
    '[x](<https://a.example/" onmouseover="alert(1)>)',
    '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
    "![x](javascript:alert(1))",
    '![" onerror="alert(1)](x)',
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "```\n</code></pre><script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    '| <script>alert(1)</script>" onfocus="alert(1) | b |\n|---|---|\n| <b onclick=x>1</b> | 2 |',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<!-- <script>alert(1)</script> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    '[x](cpt:38570"onclick=alert(1))',
    "[x](cpt:../../admin/)",
]


class Outline(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


def assert_harmless(html: str) -> None:
    outline = Outline(html)
    assert not outline.tags & {
        "script",
        "style",
        "iframe",
        "img",
        "svg",
        "object",
        "form",
        "input",
        "link",
        "meta",
        "base",
    }
    for name, value in outline.attributes:
        assert name in {"href", "rel", "class", "scope", "start", "role", "aria-label", "tabindex"}
        if name == "href":
            local = value.startswith(("/", "#")) and not value.startswith(("//", "/\\"))
            assert local or value.startswith("https://")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_comes_out_as_harmless_text(attack):
    assert_harmless(render(attack))


def test_the_guard_of_these_tests_would_notice_an_attack():
    for harm in ["<script>x</script>", '<a href="javascript:x">', '<p onclick="x">', '<a href="//evil.example">']:
        with pytest.raises(AssertionError):
            assert_harmless(harm)


SNIPPETS = st.sampled_from(
    [*ATTACKS, "[", "](", ")", "<", ">", '"', "`", "|", "\n", "\n\n", "- ", "## ", "*", "&#x6A;"]
)


@given(st.lists(st.one_of(SNIPPETS, st.text(max_size=20)), max_size=12).map("".join))
def test_no_text_at_all_renders_to_anything_harmful(text):
    assert_harmless(render(text))


@given(st.text(max_size=200))
def test_any_text_is_either_accepted_or_refused_in_words(text):
    for problem in find_problems(text):
        assert problem.line >= 1
        assert problem.message


def test_headings_sit_below_the_section_title():
    assert render("## Included\n\n### Step\n\n###### Deep") == "<h3>Included</h3>\n<h4>Step</h4>\n<h6>Deep</h6>\n"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("cpt:38571", "/cpt/38571/"),
        ("hcpcs:G0105", "/hcpcs/g0105/"),
        ("hcpcs:g0105", "/hcpcs/g0105/"),
        ("icd-10-cm:C77.2", "/icd-10-cm/c77-2/"),
        ("hcpcs-modifier:LT", "/hcpcs-modifier/lt/"),
    ],
)
def test_a_code_link_leads_to_the_page_of_the_code(link, url):
    assert render(f"[it]({link})") == f'<p><a href="{url}">it</a></p>\n'
    validate(f"[it]({link})")


def test_a_link_to_another_site_passes_on_neither_rank_nor_the_window():
    expected = '<p><a href="https://www.cms.gov/" rel="nofollow noopener">CMS</a></p>\n'
    assert render("[CMS](https://www.cms.gov/)") == expected


@pytest.mark.parametrize("url", ["http://www.cms.gov/", "ftp://x", "mailto:a@b.example", "//evil.example", "38571"])
def test_other_addresses_are_refused_and_leave_only_their_words(url):
    assert render(f"[the words]({url})") == "<p>the words</p>\n"
    with pytest.raises(ValidationError, match="Line 1: The link to"):
        validate(f"[the words]({url})")


def test_a_table_scrolls_by_keyboard_and_has_no_inline_style():
    html = render("| Code | Fee |\n|------|----:|\n| 38570 | 9 |")
    assert html.startswith('<div class="table-scroll" role="group" aria-label="Table: Code, Fee" tabindex="0"><table>')
    assert '<th scope="col">Code</th>' in html
    assert '<td class="align-right">9</td>' in html
    assert "style=" not in html


def test_an_image_leaves_its_words_and_is_refused():
    assert render("![An open *node*](x.png)") == "<p>An open *node*</p>\n"
    with pytest.raises(ValidationError, match="Images are not shown"):
        validate("![x](x.png)")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# Title", 1),
        ("a\n\n# Title", 3),
        ("Title\n===", 1),
        ("> # Title", 1),
        ("```\n# comment\n```", 2),
        (" # Title", 1),
    ],
)
def test_a_heading_of_the_first_level_is_refused_with_its_line(text, line):
    assert [problem.line for problem in find_problems(text)] == [line]


def test_a_nul_character_is_refused_with_its_line():
    with pytest.raises(ValidationError, match="Line 2: The text holds a NUL character"):
        validate("fine\nbad\0")


def test_a_text_of_the_greatest_length_is_accepted_and_one_character_more_is_not():
    validate("a" * MAX_LENGTH)
    with pytest.raises(ValidationError, match="50,001 characters"):
        validate("a" * (MAX_LENGTH + 1))
