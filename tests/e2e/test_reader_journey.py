"""Guest → wall → register with the mailed code → five codes → wall; on any screen, with and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.journeys import open_code, register

FIVE = ["38571", "38572", "38573", "38562", "38564"]


def newcomer_reads_registers_and_meets_the_limit(page: Page, mailed_code: Callable[[str], str]) -> None:
    # A guest reads one code …
    assert open_code(page, "38570") == 200
    expect(page.get_by_text("0 code page views remaining.")).to_be_visible()
    expect(page.get_by_text("Guest accounts are limited to 1 page view.")).to_be_visible()
    expect(page.get_by_role("link", name="Register to view content")).to_have_count(7)
    assert open_code(page, "38570") == 200  # looking again is free
    # … meets the wall on the next …
    assert open_code(page, "38571") == 403
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="38570")).to_be_visible()
    # … registers there, and comes back to the page that was asked for.
    register(page, mailed_code)
    page.wait_for_url("**/cpt/38571/")
    expect(page.get_by_text("4 code page views remaining.")).to_be_visible()
    expect(page.get_by_text("Register to view content")).to_have_count(0)
    # What the guest had opened stays open and costs nothing.
    assert open_code(page, "38570") == 200
    expect(page.get_by_text("4 code page views remaining.")).to_be_visible()
    for left, code in zip([3, 2, 1, 0], FIVE[1:], strict=True):
        assert open_code(page, code) == 200
        expect(page.get_by_text(f"{left} code page view{'' if left == 1 else 's'} remaining.")).to_be_visible()
    # The account's limit.
    assert open_code(page, "99213") == 403
    expect(page.get_by_role("main").get_by_role("link", name="Ask for more", exact=False)).to_be_visible()
    assert open_code(page, "38573") == 200
    # Everything is told on the usage page.
    page.goto("/usage/")
    for code in ["38570", *FIVE]:
        expect(page.get_by_role("main").get_by_role("link", name=code).first).to_be_visible()


@pytest.mark.usefixtures("demo_content")
def test_a_newcomer_reads_registers_and_meets_the_limit(page: Page, mailed_code: Callable[[str], str]) -> None:
    newcomer_reads_registers_and_meets_the_limit(page, mailed_code)


@pytest.mark.usefixtures("demo_content", "phone")
def test_a_newcomer_does_so_on_a_phone(page: Page, mailed_code: Callable[[str], str]) -> None:
    newcomer_reads_registers_and_meets_the_limit(page, mailed_code)


@pytest.mark.usefixtures("demo_content", "no_javascript")
def test_a_newcomer_does_so_without_javascript(page: Page, mailed_code: Callable[[str], str]) -> None:
    newcomer_reads_registers_and_meets_the_limit(page, mailed_code)


@pytest.mark.usefixtures("demo_content")
def test_a_locked_section_leads_to_itself_after_registering(page: Page, mailed_code: Callable[[str], str]) -> None:
    open_code(page, "38570")
    page.locator("#crosswalks").get_by_role("link").click()
    register(page, mailed_code)
    page.wait_for_url("**/cpt/38570/#crosswalks")
    expect(page.locator("#crosswalks")).to_be_in_viewport()


@pytest.mark.usefixtures("demo_content")
def test_a_search_leads_to_a_code_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("38570")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cpt/38570/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("38570")


@pytest.mark.usefixtures("demo_content")
def test_a_page_prints_with_its_notices(page: Page) -> None:
    open_code(page, "38570")
    page.emulate_media(media="print")
    expect(page.get_by_text("Sample wording", exact=False).first).to_be_visible()
    expect(page.get_by_text("registered trademark", exact=False).first).to_be_visible()
    expect(page.get_by_role("search")).to_be_hidden()
