"""Every page type, in both themes, at three widths: no accessibility violation, no sideways scrolling, no complaint."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from playwright.sync_api import Page

from tests.factories import EditorFactory, UserFactory

GUEST_PAGES = [
    "/",
    "/about/",
    "/privacy/",
    "/terms/",
    "/notices/",
    "/sources/",
    "/codes/",
    "/codes/cpt/",
    "/codes/hcpcs/",
    "/codes/icd-10-cm/",
    "/codes/cpt/laparoscopic-lymph-node-procedures/",
    "/cpt/38570/",
    "/cpt/99213/",  # the wall: 38570 was opened before
    "/hcpcs/g0105/?on=2020-01-01",
    "/cpt/38579/",
    "/cpt/38570/?on=never",
    "/lookup/?q=lymph",
    "/lookup/?q=zebra",
    "/report/?path=/cpt/38570/",
    "/usage/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/no-such-page/",
]
ACCOUNT_PAGES = [
    "/cpt/38570/",
    "/usage/",
    "/usage/more/",
    "/account/",
    "/account/delete/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/sessions/",
    "/accounts/logout/",
]
EDITOR_PAGES = ["/admin/", "/admin/codes/code/", "/styleguide/", "/cpt/38570/"]
WIDTHS = [360, 768, 1440]


def look(page: Page, addresses: list[str], axe: Callable[[Page], None]) -> None:
    for address in addresses:
        page.goto(address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            overhang = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overhang <= 0, f"{address} is {overhang} pixels too wide at {width}"
        axe(page)


def log_in(page: Page, base_url: str, user: object) -> None:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}])


@pytest.mark.usefixtures("demo_content")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_a_guest_is_whole_and_accessible(page: Page, axe: Callable[[Page], None], theme: str) -> None:
    look(page, GUEST_PAGES, axe)


@pytest.mark.usefixtures("demo_content")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_an_account_is_whole_and_accessible(
    page: Page, base_url: str, axe: Callable[[Page], None], theme: str
) -> None:
    user = UserFactory()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    log_in(page, base_url, user)
    look(page, ACCOUNT_PAGES, axe)


@pytest.mark.usefixtures("demo_content")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_an_editor_is_whole_and_accessible(
    page: Page, base_url: str, axe: Callable[[Page], None], theme: str
) -> None:
    log_in(page, base_url, EditorFactory())
    look(page, EDITOR_PAGES, axe)
