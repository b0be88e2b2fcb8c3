"""Steps that several journeys take."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

PASSWORD = "correct horse battery staple"


def register(page: Page, mailed_code: Callable[[str], str], address: str = "coder@example.org") -> None:
    """From a page with the sign-up form to the page that was asked for, with the mailed code."""
    page.get_by_role("main").get_by_label("E-mail address").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    page.get_by_role("main").get_by_role("textbox", name="Code").fill(mailed_code(address))
    page.get_by_role("main").get_by_role("button", name="Confirm").first.click()


def open_code(page: Page, code: str) -> int:
    """Go to a CPT code's page; its status."""
    response = page.goto(f"/cpt/{code}/")
    assert response is not None
    return response.status
