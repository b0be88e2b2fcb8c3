"""Each state of each page, in both themes and on a phone; keys, and that nothing moves while a page loads."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from codingahead.styleguide import PAGES
from tests.e2e.test_every_page import log_in
from tests.factories import EditorFactory

MOVED = """() => new Promise((done) => {
  let moved = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => (moved += entry.value)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(moved), 500);
})"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_in_the_style_guide_is_accessible_and_fits_a_phone(
    page: Page, base_url: str, axe: Callable[[Page], None], theme: str
) -> None:
    log_in(page, base_url, EditorFactory())
    for address in ["/styleguide/", *(f"/styleguide/{name}/" for name in PAGES)]:
        page.goto(address)
        for width in [360, 1440]:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{address} at {width}"
        axe(page)


@pytest.mark.usefixtures("demo_content")
@pytest.mark.parametrize("address", ["/", "/cpt/38570/"])
def test_nothing_moves_while_a_page_loads(page: Page, address: str) -> None:
    page.goto(address)
    assert page.evaluate(MOVED) == 0


@pytest.mark.usefixtures("demo_content")
def test_keys_search_turn_pages_and_can_be_switched_off(page: Page, axe: Callable[[Page], None]) -> None:
    page.goto("/cpt/38570/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("?")  # in a field, a key is a letter
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.goto("/cpt/38570/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    axe(page)
    page.get_by_label("Use single keys on this device").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile("/cpt/38570/$"))

    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use single keys on this device").check()
    page.keyboard.press("Escape")
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile("/cpt/38571/$"))


@pytest.mark.usefixtures("demo_content")
def test_the_contents_follow_the_reader(page: Page) -> None:
    page.goto("/cpt/38570/")
    page.evaluate("document.getElementById('ncci').scrollIntoView()")
    expect(page.locator("[data-contents] [aria-current]")).to_contain_text("NCCI edits")


@pytest.mark.usefixtures("demo_content", "no_javascript")
def test_without_scripts_nothing_that_needs_them_is_offered(page: Page) -> None:
    page.goto("/cpt/38570/")
    for name in ["Copy code", "Print", "Keyboard shortcuts"]:
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.get_by_label("As of a date of service").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("As of 1 January 2020.")).to_be_visible()
