"""The site stands, in either theme, on a phone, and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_home_page_is_whole_and_accessible(page: Page, axe: Callable[[Page], None], theme: str) -> None:
    response = page.goto("/")
    assert response is not None
    assert response.status == 200
    expect(page.get_by_role("banner").get_by_role("link", name="Coding Ahead")).to_be_visible()
    axe(page)


@pytest.mark.usefixtures("phone")
def test_the_home_page_fits_a_phone(page: Page) -> None:
    page.goto("/")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.usefixtures("no_javascript")
def test_the_home_page_needs_no_javascript(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("main")).to_be_visible()


def test_a_page_that_does_not_exist_is_an_answer_not_a_trouble(page: Page) -> None:
    response = page.goto("/no-such-page/")
    assert response is not None
    assert response.status == 404


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('Something broke')", "Something broke"),
        ("setTimeout(() => { throw new Error('nobody caught me') }, 0)", "nobody caught me"),
        (
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">inline</p>')",
            "Content Security Policy",
        ),
        ("new Image().src = '/static/no-such-picture.png'", "404"),
        ("fetch('https://elsewhere.example/')", "connect-src"),
    ],
)
def test_what_the_browser_complains_about_is_noticed(
    page: Page, troubles: list[str], script: str, complaint: str
) -> None:
    page.goto("/")
    page.evaluate(script + "; undefined")
    page.wait_for_timeout(300)
    assert any(complaint in trouble for trouble in troubles)
    troubles.clear()
