import contextlib
import datetime
import os
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codes.actions import EntryText, SectionText, save_entry, save_section, tidy
from codes.content import export_content, import_content, read_folder
from codes.content_files import (
    CodeFile,
    ContentError,
    HeadingNode,
    read_code,
    read_headings,
    write_code,
    write_headings,
)
from codes.markdown import find_problems
from codes.models import Code, Entry, Heading, Section
from tests.factories import CodeFactory, CodeSystemFactory, EditorFactory, EntryFactory, HeadingFactory, SectionFactory

FULL = """\
---
system: cpt
code: "38571"
title: "Keyhole removal: all pelvic nodes"
sample_descriptor: Our own line – “quoted”.
heading: surgery
position: "38570.5"
is_resequenced: true
is_addon: true
added_on: 2000-01-01
changed_on: 2024-01-01
terminated_on: 2026-12-31
successors: ["38572", "38573"]
is_sample: true
reviewed_by: Ada Example, CPC
reviewed_on: 2026-11-01
drafts: [payment]
---
# Common Language Description

What it is.

# Clinical indications

- One
- Two

## More

See [38570](cpt:38570).

# Medicare payment and coverage

Not ready.
"""
HEADINGS = """\
cpt:
  - slug: surgery
    name: Surgery
    codes: "10004-69990"
    children:
      - slug: lymph-nodes
        name: "Nodes: all of them"
        codes: "38300-38999"
"""


def fill(folder: Path, **files: str) -> Path:
    """A folder of content; `cpt_38571=…` is the file cpt/38571.md."""
    for name, text in files.items():
        path = folder / "headings.yaml" if name == "headings" else folder / f"{name.replace('_', '/')}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def small(text: str = "What it is.", title: str = "Title") -> str:
    return f'---\nsystem: cpt\ncode: "38571"\ntitle: {title}\n---\n# Common Language Description\n\n{text}\n'


def problems_of(text: str, name: str = "cpt/38571.md") -> list[tuple[int, str]]:
    with pytest.raises(ContentError) as caught:
        read_code(Path(name), text.encode())
    return [(problem.line, problem.message) for problem in caught.value.problems]


# --- The format -------------------------------------------------------------------------------------------------


def test_a_file_in_canonical_form_comes_back_byte_by_byte():
    assert write_code(read_code(Path("cpt/38571.md"), FULL.encode())) == FULL


def test_every_key_and_section_is_read():
    file = read_code(Path("cpt/38571.md"), FULL.encode())
    assert file.entry == EntryText(
        title="Keyhole removal: all pelvic nodes",
        sample_descriptor="Our own line – “quoted”.",
        is_sample=True,
        reviewed_by="Ada Example, CPC",
        reviewed_on=datetime.date(2026, 11, 1),
    )
    assert file.successors == ("38572", "38573")
    assert file.terminated_on == datetime.date(2026, 12, 31)
    assert file.sections == {
        "description": SectionText("What it is.", "published"),
        "indications": SectionText("- One\n- Two\n\n## More\n\nSee [38570](cpt:38570).", "published"),
        "payment": SectionText("Not ready.", "draft"),
    }


def test_line_ends_of_windows_and_a_byte_order_mark_make_no_difference():
    plain = read_code(Path("cpt/38571.md"), FULL.encode())
    assert read_code(Path("cpt/38571.md"), b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()) == plain


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("---\nsystem", "system", 1, "The front matter is missing. Begin the file with a line “---”."),
        ("38570).\n", "38570).\n\n# Modifers\n", 32, "Unknown section “Modifers”; did you mean “Modifiers”?"),
        ("# Clinical indications", "# Clinical indication", 23, "did you mean “Clinical indications”?"),
        ("# Clinical indications", "# Medicare payment and coverage", 32, "stands here twice"),
        ("# Common Language Description\n", "", 20, "Text before the first section"),
        ("title:", "titel:", 4, "Unknown key “titel”; did you mean “title”?"),
        ('title: "Keyhole removal: all pelvic nodes"\n', "", 1, "“title” is missing"),
        ("is_sample: true", "is_sample: maybe", 14, "“is_sample” must be true or false."),
        ("2000-01-01", '"2000-01-01"', 10, "must be a date without quotes, such as 2026-01-01"),
        ("2000-01-01", "2000-02-30", 10, "“added_on” cannot be read: day is out of range for month."),
        ('code: "38571"', "code: 38571", 3, '“code” must be text: write code: "38571" in quotes.'),
        ('code: "38571"', 'code: "38572"', 3, "A file about 38572 of cpt must be named cpt/38572.md."),
        ("system: cpt", "system: ctp", 2, "Unknown system “ctp”; did you mean “cpt”?"),
        ('["38572", "38573"]', '"38572"', 13, "“successors” must be a list of quoted codes"),
        ("[payment]", "[payments]", 17, "“payments” in “drafts” is no kind of section; did you mean “payment”?"),
        ("[payment]", "[ncci]", 17, "“ncci” in “drafts” has no section in this file"),
        ("position:", "title: x\nposition:", 7, "“title” stands here twice"),
        ("is_addon: true", "is_addon: [", 11, "Not valid YAML"),
        ("- One", "- One ![x](y)", 25, "Images are not shown"),
        ("cpt:38570", "javascript:alert(1)", 30, "The link to “javascript:alert(1)” is not allowed."),
        ("What it is.", "What \0 is.", 21, "NUL character"),
        ("our own line".capitalize(), "Our \x07", 5, "The character '\\x07' is not allowed here."),
    ],
)
def test_a_mistake_is_named_with_its_line_and_how_to_mend_it(old, new, line, message):
    assert old in FULL
    found = problems_of(FULL.replace(old, new))
    assert any(number == line and message in text for number, text in found), found


@pytest.mark.parametrize("escape", ["\\0", "\\ud800"])
def test_an_escape_for_a_character_that_cannot_be_stored_is_refused(escape):
    [(line, message)] = problems_of(small(title=f'"a{escape}b"'))
    assert line == 4
    assert "“title” holds the character" in message


def test_lists_nested_without_end_are_refused():
    [(line, message)] = problems_of(small(title="[" * 50_000))
    assert (line, message) == (2, "Not valid YAML: lists and mappings are nested too deeply.")


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path):
    for name in ("folder", "pipe", "loop"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder" / "a.md").mkdir()
    os.mkfifo(tmp_path / "pipe" / "a.md")
    (tmp_path / "loop" / "a.md").symlink_to("a.md")
    with pytest.raises(ContentError) as caught:
        read_folder(tmp_path)
    assert [problem.message for problem in caught.value.problems] == ["This is no file."] * 3


def test_a_byte_that_is_not_utf_8_is_named_with_its_line():
    with pytest.raises(ContentError, match=r"38571\.md:3: Byte 0xff is not UTF-8"):
        read_code(Path("cpt/38571.md"), FULL.encode().replace(b'"38571"', b'"\xff"'))


def test_all_mistakes_of_a_file_are_named_at_once():
    assert len(problems_of(FULL.replace("title:", "titel:").replace("is_sample: true", "is_sample: 3"))) == 3


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
LINE = WORDS.filter(lambda text: "\n" not in text)
TEXTS = st.one_of(
    WORDS, st.sampled_from(["## A\n\nb", "---", "```\n---\n```", "1. x\n2. y", "    code", "| a |\n|---|"])
)
FILES = st.builds(
    CodeFile,
    system=st.just("cpt"),
    code=st.just("38571"),
    entry=st.none()
    | st.builds(
        EntryText,
        title=LINE.filter(str.strip),
        sample_descriptor=WORDS,
        is_sample=st.booleans(),
        reviewed_by=LINE,
        reviewed_on=st.none() | st.dates(),
    ),
    heading=st.sampled_from(["", "surgery", "123", "null"]),
    position=st.sampled_from(["", "38570.5"]),
    is_resequenced=st.booleans(),
    is_addon=st.booleans(),
    added_on=st.none() | st.dates(),
    changed_on=st.none() | st.dates(),
    terminated_on=st.none() | st.dates(),
    successors=st.none() | st.lists(st.sampled_from(["38572", "0001A", "1E305"])).map(tuple),
    sections=st.dictionaries(
        st.sampled_from(Section.Kind.values),
        st.builds(
            SectionText,
            TEXTS.map(tidy).filter(lambda text: not find_problems(text)),
            st.sampled_from(Section.Status.values),
        ),
    ),
)


@given(FILES)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_editors_write_survives_the_way_through_a_file(file):
    text = write_code(file)
    assert read_code(Path("cpt/38571.md"), text.encode()) == file
    assert write_code(read_code(Path("cpt/38571.md"), text.encode())) == text


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"---\n{text}\n---\n# x\n".encode()))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused_in_words(data):
    for read in (read_code, read_headings):
        with contextlib.suppress(ContentError):
            read(Path("cpt/38571.md"), data)


def test_a_tree_of_headings_comes_back_byte_by_byte():
    trees = read_headings(Path("headings.yaml"), HEADINGS.encode())
    inner = HeadingNode("lymph-nodes", "Nodes: all of them", "38300", "38999")
    assert trees == {"cpt": (HeadingNode("surgery", "Surgery", "10004", "69990", (inner,)),)}
    assert write_headings(trees) == HEADINGS


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("cpt:", "cptt:", 1, "Unknown system “cptt”; did you mean “cpt”?"),
        ("slug: lymph-nodes", "slug: surgery", 6, "The slug “surgery” is already used in line 2."),
        ("slug: lymph-nodes", "slug: lymph nodes", 6, "is not a slug"),
        ("38300-38999", "38300-79999", 6, "38300-79999 is not inside 10004-69990"),
        ("10004-69990", "69990-10004", 2, "must be a range"),
        ("name: Surgery", "nam: Surgery", 2, "Unknown key “nam”; did you mean “name”?"),
        ("name: Surgery", "name: [", 5, "Not valid YAML"),
    ],
)
def test_a_mistake_in_the_headings_is_named_with_its_line(old, new, line, message):
    with pytest.raises(ContentError) as caught:
        read_headings(Path("headings.yaml"), HEADINGS.replace(old, new).encode())
    found = [(problem.line, problem.message) for problem in caught.value.problems]
    assert any(number == line and message in text for number, text in found), found


# --- Import -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path, headings=HEADINGS, cpt_38571=FULL)


@pytest.mark.django_db
class TestImport:
    def test_content_becomes_a_code_with_its_entry_and_rendered_sections(self, folder):
        report = import_content(folder=folder)
        assert (report.added, report.changed, report.unchanged) == (["cpt/38571.md"], [], [])
        code = Code.objects.get(code="38571")
        assert code.heading is not None
        assert code.heading.slug == "surgery"
        assert (code.position, code.is_resequenced, code.successors) == ("38570.5", True, ["38572", "38573"])
        assert code.entry.title == "Keyhole removal: all pelvic nodes"
        section = code.sections.get(kind="indications")
        assert '<a href="/cpt/38570/">38570</a>' in section.html
        assert section.history.get().history_change_reason == "import_content"
        assert code.sections.get(kind="payment").status == "draft"

    def test_a_second_import_writes_nothing(self, folder, django_assert_num_queries):
        import_content(folder=folder)
        before = [*Section.history.values_list("pk"), *Entry.history.values_list("pk"), *Code.objects.values_list()]
        report = import_content(folder=folder)
        assert (report.unchanged, report.headings_changed) == (["cpt/38571.md"], 0)
        assert before == [
            *Section.history.values_list("pk"),
            *Entry.history.values_list("pk"),
            *Code.objects.values_list(),
        ]

    def test_a_changed_file_changes_only_what_it_says(self, folder):
        import_content(folder=folder)
        fill(folder, cpt_38571=FULL.replace("What it is.", "What it was."))
        report = import_content(folder=folder)
        assert report.changed == ["cpt/38571.md"]
        code = Code.objects.get(code="38571")
        assert code.sections.get(kind="description").version == 2
        assert code.sections.get(kind="indications").version == 1
        assert code.entry.version == 1

    def test_a_section_left_out_of_its_file_disappears_and_its_history_stays(self, folder):
        import_content(folder=folder)
        fill(folder, cpt_38571=FULL.partition("# Medicare payment")[0].replace("drafts: [payment]\n", ""))
        import_content(folder=folder)
        assert not Section.objects.filter(kind="payment").exists()
        assert [record.history_type for record in Section.history.filter(kind="payment")] == ["-", "+"]

    def test_a_section_that_comes_back_counts_its_versions_on(self, folder):
        import_content(folder=folder)
        fill(folder, cpt_38571=FULL.partition("# Medicare payment")[0].replace("drafts: [payment]\n", ""))
        import_content(folder=folder)
        fill(folder, cpt_38571=FULL)
        import_content(folder=folder)
        assert Section.objects.get(kind="payment").version == 2

    def test_an_edit_is_kept_while_its_file_stays_the_same(self, folder):
        import_content(folder=folder)
        edit("Edited on the site.")
        report = import_content(folder=folder)
        assert "the section “Common Language Description” was edited on the site and is kept" in report.kept[0]
        assert Section.objects.get(kind="description").text == "Edited on the site."

    def test_an_edit_and_a_changed_file_refuse_each_other_and_nothing_is_imported(self, folder):
        import_content(folder=folder)
        edit("Edited on the site.")
        fill(folder, cpt_38571=FULL.replace("What it is.", "Edited in git.").replace("- One", "- None"))
        with pytest.raises(ContentError, match=r"38571\.md:19: The section “Common Language Description” was edited"):
            import_content(folder=folder)
        assert Section.objects.get(kind="description").text == "Edited on the site."
        assert Section.objects.get(kind="indications").text.startswith("- One")

    def test_overwrite_lets_the_file_win_and_keeps_the_edit_in_the_history(self, folder):
        import_content(folder=folder)
        edit("Edited on the site.")
        fill(folder, cpt_38571=FULL.replace("What it is.", "Edited in git."))
        import_content(folder=folder, overwrite=True)
        section = Section.objects.get(kind="description")
        assert section.text == "Edited in git."
        assert section.history.filter(text="Edited on the site.").exists()

    def test_an_edit_that_was_exported_and_changed_further_in_its_file_is_no_conflict(self, folder):
        import_content(folder=folder)
        edit("Edited on the site.")
        export_content(folder=folder)
        import_content(folder=folder)
        fill(folder, cpt_38571=FULL.replace("What it is.", "Edited on the site, then in git."))
        import_content(folder=folder)
        assert Section.objects.get(kind="description").text == "Edited on the site, then in git."

    def test_a_title_edited_on_both_sides_is_a_conflict_too(self, folder):
        import_content(folder=folder)
        code = Code.objects.get(code="38571")
        save_entry(code=code, entry=EntryText(title="Edited"), version=1)
        fill(folder, cpt_38571=FULL.replace("pelvic", "other"))
        with pytest.raises(ContentError, match=r"38571\.md:4: The entry was edited"):
            import_content(folder=folder)

    def test_text_that_editors_wrote_before_any_import_is_not_overwritten(self, folder):
        code = CodeFactory(code="38571")
        SectionFactory(code=code, text="Written on the site.")
        with pytest.raises(ContentError, match="was edited on the site"):
            import_content(folder=folder)

    def test_a_section_that_only_the_site_has_is_kept(self, folder):
        import_content(folder=folder)
        SectionFactory(code=Code.objects.get(code="38571"), kind="ncci", text="Only here.")
        import_content(folder=folder)
        assert Section.objects.filter(kind="ncci").exists()

    def test_one_bad_file_stops_the_whole_import(self, folder):
        fill(folder, cpt_38572=FULL.replace("38571", "38572").replace("title:", "titel:"))
        with pytest.raises(ContentError, match="Unknown key “titel”"):
            import_content(folder=folder)
        assert not Code.objects.exists()
        assert not Heading.objects.exists()

    def test_an_unknown_heading_is_named_with_its_line(self, folder):
        fill(folder, cpt_38571=FULL.replace("heading: surgery", "heading: surgry"))
        with pytest.raises(ContentError, match=r"38571\.md:6: Unknown heading “surgry”"):
            import_content(folder=folder)

    @pytest.mark.parametrize("line", ['position: "G0105"', "terminated_on: 2026-01-01", "successors: []"])
    def test_what_the_releases_of_a_system_bring_is_refused_in_its_files(self, tmp_path, line):
        fill(tmp_path, hcpcs_G0105=f'---\nsystem: hcpcs\ncode: "G0105"\ntitle: Colonoscopy\n{line}\n---\n')
        with pytest.raises(ContentError, match=r"G0105\.md:5: .* comes with the releases of HCPCS"):
            import_content(folder=tmp_path)

    def test_dates_that_a_release_brought_are_left_alone(self, tmp_path):
        system = CodeSystemFactory(slug="hcpcs")
        CodeFactory(system=system, code="G0105", terminated_on=datetime.date(2026, 1, 1), successors=["G0106"])
        fill(tmp_path, hcpcs_G0105='---\nsystem: hcpcs\ncode: "G0105"\ntitle: Colonoscopy\n---\n')
        import_content(folder=tmp_path)
        code = Code.objects.get()
        assert code.entry.title == "Colonoscopy"
        assert (code.terminated_on, code.successors) == (datetime.date(2026, 1, 1), ["G0106"])

    def test_a_code_without_a_heading_of_its_own_hangs_under_the_narrowest_range(self, folder):
        fill(folder, cpt_38571=FULL.replace("heading: surgery\n", ""))
        import_content(folder=folder)
        code = Code.objects.get()
        assert code.heading == Heading.objects.get(slug="lymph-nodes")

    def test_a_heading_that_is_gone_from_the_file_goes_and_its_codes_move_up(self, folder):
        fill(folder, cpt_38571=FULL.replace("heading: surgery\n", ""))
        import_content(folder=folder)
        fill(folder, headings=HEADINGS.partition("    children")[0])
        report = import_content(folder=folder)
        assert report.headings_changed == 1
        assert Code.objects.get().heading == Heading.objects.get()

    def test_a_folder_without_content_is_refused(self, tmp_path):
        with pytest.raises(ContentError, match="No content here"):
            import_content(folder=tmp_path)


def edit(text: str) -> None:
    code = Code.objects.get(code="38571")
    save_section(code=code, kind="description", text=text, status="published", version=1, user=EditorFactory())


# --- Export -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestExport:
    def test_import_and_export_give_the_same_bytes(self, folder, tmp_path_factory):
        other = tmp_path_factory.mktemp("export")
        import_content(folder=folder)
        export_content(folder=other)
        for name in ("cpt/38571.md", "headings.yaml"):
            assert (other / name).read_bytes() == (folder / name).read_bytes()

    def test_text_that_was_born_on_the_site_survives_export_and_import(self, tmp_path):
        code = CodeFactory(code="38571")
        HeadingFactory(slug="surgery", name="Surgery: all")
        EntryFactory(code=code, title="Nodes: 'all'")
        SectionFactory(code=code, kind="ncci", text="Text", status="draft")
        export_content(folder=tmp_path)
        before = Entry.objects.values_list("title"), Section.objects.values_list("kind", "text", "status")
        before_rows = [list(rows) for rows in before]
        Entry.objects.all().delete()
        Section.objects.all().delete()
        import_content(folder=tmp_path)
        assert [list(rows.all()) for rows in before] == before_rows

    def test_a_code_that_nobody_wrote_about_gets_no_file(self, tmp_path):
        CodeFactory()
        report = export_content(folder=tmp_path)
        assert report.written == []

    def test_comments_and_layout_of_the_headings_stay_while_they_say_the_same(self, folder):
        import_content(folder=folder)
        text = "# Ours.\n" + HEADINGS
        fill(folder, headings=text)
        export_content(folder=folder)
        assert (folder / "headings.yaml").read_text() == text

    def test_a_file_about_a_code_without_content_is_named_and_kept(self, folder):
        report = export_content(folder=folder)
        assert report.stale == ["cpt/38571.md"]
        assert (folder / "cpt/38571.md").exists()

    @pytest.mark.parametrize("codes", [1, 12])
    def test_an_export_asks_the_same_number_of_queries_whatever_its_size(
        self, codes, tmp_path, django_assert_max_num_queries
    ):
        for _ in range(codes):
            CodeFactory(described=True, sections=2)
        with django_assert_max_num_queries(10):
            export_content(folder=tmp_path)


# --- The commands -----------------------------------------------------------------------------------------------


def run(*args: object) -> str:
    out = StringIO()
    call_command(*map(str, args), stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestCommands:
    def test_an_import_says_what_it_did(self, folder):
        assert "1 added, 0 changed, 0 unchanged; 2 headings changed." in run("import_content", folder)
        assert "0 added, 0 changed, 1 unchanged; 0 headings changed." in run("import_content", folder)

    def test_a_dry_run_says_what_it_would_do_and_does_nothing(self, folder):
        assert "Would be: 1 added" in run("import_content", folder, "--dry-run")
        assert not Code.objects.exists()
        assert not Heading.objects.exists()

    def test_a_mistake_ends_the_command_with_file_line_and_fix(self, folder):
        fill(folder, cpt_38571=FULL.replace("# Clinical indications", "# Clinical indication"))
        with pytest.raises(CommandError, match=r"38571\.md:23: Unknown section “Clinical indication”; did you mean"):
            run("import_content", folder)

    def test_a_folder_that_is_none_is_named(self, tmp_path):
        with pytest.raises(CommandError, match="nowhere is not a folder"):
            run("import_content", tmp_path / "nowhere")

    def test_an_export_names_what_it_wrote(self, folder, tmp_path_factory):
        run("import_content", folder)
        assert "wrote cpt/38571.md\nwrote headings.yaml\n2 written, 0 unchanged." in run(
            "export_content", tmp_path_factory.mktemp("export")
        )

    def test_sections_are_rendered_anew_without_a_new_version(self):
        section = SectionFactory(text="*New* rules", html="<p>old rules</p>")
        assert run("render_sections") == "1 sections rendered, 1 came out different.\n"
        section.refresh_from_db()
        assert section.html == "<p><em>New</em> rules</p>\n"
        assert section.version == 1
        assert run("render_sections") == "1 sections rendered, 0 came out different.\n"


@pytest.mark.django_db
def test_the_delivered_content_comes_back_byte_by_byte(tmp_path):
    delivered = Path("fixtures/content")
    import_content(folder=delivered)
    export_content(folder=tmp_path)
    for path in sorted(delivered.glob("*/*.md")):
        assert (tmp_path / path.relative_to(delivered)).read_bytes() == path.read_bytes(), path
    over_itself = export_content(folder=shutil.copytree(delivered, tmp_path / "copy"))
    assert (over_itself.written, over_itself.stale) == ([], [])  # the headings too, with their comments
