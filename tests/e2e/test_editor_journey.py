"""An editor changes a description in the admin, and readers see it; two editors never overwrite each other silently."""

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Browser, Page, expect

from tests.factories import PASSWORD, EditorFactory

WORDS = "The surgeon looks in, takes one node, and leaves."


@pytest.fixture
def editor(demo_content: None) -> str:
    """The address of an editor who has confirmed it."""
    user = EditorFactory(email="editor@example.org")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return str(user.email)


def log_in(page: Page, address: str) -> None:
    page.goto("/admin/")
    page.get_by_role("main").get_by_label("E-mail address").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def open_editing(page: Page, code: str) -> None:
    page.goto(f"/admin/codes/code/?q={code}")
    page.get_by_role("link", name=code, exact=True).click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).first.click()


def test_an_editor_changes_a_description_and_a_guest_reads_it(page: Page, browser: Browser, editor: str) -> None:
    guest = browser.new_context().new_page()
    log_in(page, editor)
    origin = page.url.removesuffix("/admin/")
    guest.goto(f"{origin}/cpt/38570/")
    expect(guest.get_by_text(WORDS)).to_have_count(0)
    open_editing(page, "38570")
    field = page.locator("[name=description_text]")
    field.fill(f"{WORDS}\n\nSee also [38571](cpt:38571). <script>alert(1)</script>")
    expect(page.get_by_role("link", name="38571").first).to_be_visible()  # the live preview
    save(page)
    expect(page.get_by_text("was changed successfully", exact=False)).to_be_visible()
    guest.reload()
    expect(guest.get_by_text(WORDS)).to_be_visible()
    expect(guest.get_by_role("main").get_by_role("link", name="38571").first).to_be_visible()
    assert guest.locator("main script").count() == 0
    guest.context.close()


def test_the_second_of_two_editors_is_told_and_keeps_the_own_text(page: Page, editor: str) -> None:
    log_in(page, editor)
    open_editing(page, "38570")
    second = page.context.new_page()
    second.goto(page.url)
    page.locator("[name=description_text]").fill("What the first editor wrote.")
    save(page)
    second.locator("[name=description_text]").fill("What the second editor wrote.")
    save(second)
    expect(second.get_by_text("What the first editor wrote.").first).to_be_visible()
    expect(second.locator("[name=description_text]")).to_have_value("What the second editor wrote.")
    second.close()


@pytest.mark.usefixtures("no_javascript")
def test_an_editor_needs_no_javascript(page: Page, editor: str) -> None:
    log_in(page, editor)
    open_editing(page, "38570")
    page.locator("[name=description_text]").fill(WORDS)
    save(page)
    page.goto("/cpt/38570/")
    expect(page.get_by_text(WORDS)).to_be_visible()
