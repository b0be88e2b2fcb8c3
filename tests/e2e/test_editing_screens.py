"""Every screen of editors beside the lists: whole and accessible, with and without scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from codes.actions import save_section
from codes.models import Code, Section
from tests.e2e.test_editor_journey import editor, log_in, open_editing, save
from tests.factories import DescriptorFactory, ErrorReportFactory

__all__ = ["editor"]


def change_behind_the_back(kind: str = "indications") -> None:
    section = Section.objects.get(code__code="38570", kind=kind)
    save_section(
        code=section.code,
        kind=kind,
        text=f"{section.text}\n\nA new last line.",
        status="draft",
        version=section.version,
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_is_accessible(page: Page, editor: str, axe: Callable[[Page], None], theme: str) -> None:
    code = Code.objects.get(code="38570")
    report = ErrorReportFactory(code=code)
    imported = DescriptorFactory(code=Code.objects.get(code="G0105")).code
    log_in(page, editor)
    change_behind_the_back()
    for address in [
        f"/admin/codes/code/{code.pk}/change/",
        f"/admin/codes/code/{imported.pk}/change/",
        f"/admin/codes/code/{code.pk}/history/",
        "/admin/codes/errorreport/",
        f"/admin/codes/errorreport/{report.pk}/change/",
        "/admin/codes/descriptoroverride/",
    ]:
        page.goto(address)
        axe(page)
    page.goto("/admin/codes/code/?q=38570")
    page.get_by_role("checkbox", name="38570").check()
    page.locator("select[name=action]").select_option("publish_drafts")
    page.locator("button[name=index]").click()
    expect(page.get_by_text("Readers will see 1 section")).to_be_visible()
    axe(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_conflict_is_accessible_and_saving_again_decides_it(
    page: Page, editor: str, axe: Callable[[Page], None], theme: str
) -> None:
    log_in(page, editor)
    open_editing(page, "38570")
    page.locator("[name=indications_text]").fill("All mine.")
    change_behind_the_back()
    save(page)
    expect(page.get_by_text("From their version (draft) to yours:")).to_be_visible()
    axe(page)
    save(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Section.objects.get(code__code="38570", kind="indications").text == "All mine."


def test_an_older_version_comes_back_with_one_button(page: Page, editor: str) -> None:
    log_in(page, editor)
    before = Section.objects.get(code__code="38570", kind="indications").text
    change_behind_the_back()
    open_editing(page, "38570")
    page.get_by_role("link", name="History").first.click()
    page.get_by_role("button", name="Revert to this version of Clinical indications").click()
    expect(page.get_by_text("Clinical indications is back at an earlier version.")).to_be_visible()
    assert Section.objects.get(code__code="38570", kind="indications").text == before


def test_the_preview_follows_the_writing_and_names_what_is_refused(page: Page, editor: str) -> None:
    log_in(page, editor)
    open_editing(page, "38570")
    preview = page.get_by_role("group", name="Preview: NCCI edits")
    page.locator("[name=ncci_text]").fill("A **bold** word\n\n![x](y)")
    expect(preview.locator("strong")).to_have_text(["bold"])
    expect(preview).to_contain_text("Line 3: Images are not shown.")
    page.locator("[name=ncci_text]").fill("")
    expect(preview).to_have_text("")


@pytest.mark.usefixtures("no_javascript")
def test_without_scripts_the_preview_opens_in_a_new_tab_and_saves_nothing(page: Page, editor: str) -> None:
    log_in(page, editor)
    open_editing(page, "38570")
    page.locator("[name=ncci_text]").fill("A **bold** word")
    with page.context.expect_page() as opened:
        page.locator("button[value=ncci_text]").click()
    expect(opened.value.locator("strong", has_text="bold")).to_be_visible()
    expect(page.locator("[name=ncci_text]")).to_have_value("A **bold** word")
    assert "bold" not in Section.objects.get(code__code="38570", kind="ncci").text


def test_leaving_with_unsaved_work_asks_first_and_saved_work_does_not(page: Page, editor: str) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", stay)
    log_in(page, editor)
    open_editing(page, "38570")
    page.goto("/admin/")
    assert asked == []
    open_editing(page, "38570")
    page.locator("[name=ncci_text]").press_sequentially("x")
    page.goto("/admin/")
    assert asked == ["beforeunload"]
    open_editing(page, "38570")
    page.locator("[name=ncci_text]").press_sequentially("x")
    save(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert asked == ["beforeunload"]


def test_enter_in_a_line_saves_and_previews_nothing(page: Page, editor: str) -> None:
    log_in(page, editor)
    open_editing(page, "38570")
    page.locator("[name=title]").fill("New title")
    page.locator("[name=title]").press("Enter")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert len(page.context.pages) == 1
