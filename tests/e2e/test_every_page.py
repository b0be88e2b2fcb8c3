"""Every page type, in both themes, at three widths: no accessibility violation, no sideways scrolling, no complaint."""

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Page, expect

from codes.models import Code
from tests.factories import EditorFactory, UserFactory

GUEST_PAGES = {
    "/": 200,
    "/about/": 200,
    "/privacy/": 200,
    "/terms/": 200,
    "/notices/": 200,
    "/sources/": 200,
    "/sources/hcpcs/2026Q1-sample/": 200,
    "/codes/": 200,
    "/codes/cpt/": 200,
    "/codes/hcpcs/": 200,
    "/codes/hcpcs-modifier/": 200,
    "/codes/icd-10-cm/": 200,  # empty
    "/codes/cpt/lymph-nodes-laparoscopic/": 200,
    "/codes/hcpcs/?all=1": 200,
    "/cpt/38570/": 200,
    "/cpt/38570/?on=2026-03-01": 200,
    "/cpt/99213/": 403,  # the wall: 38570 was opened before
    "/hcpcs/c9016/": 200,  # terminated, with a successor
    "/hcpcs/g0389/": 200,  # terminated, without
    "/hcpcs-modifier/lt/": 200,
    "/cpt/38579/": 404,
    "/cpt/38570/?on=never": 400,
    "/lookup/?q=lymph": 200,
    "/lookup/?q=zebra": 200,
    "/report/?path=/cpt/38570/": 200,
    "/usage/": 200,
    "/accounts/login/": 200,
    "/accounts/signup/": 200,
    "/accounts/password/reset/": 200,
    "/no-such-page/": 404,
}
OPENED = ["/cpt/38570/", "/cpt/38571/", "/cpt/38572/", "/cpt/38573/", "/cpt/38562/"]  # all that an account may open
ACCOUNT_PAGES = {
    "/cpt/38570/": 200,
    "/hcpcs/c9016/": 200,  # open, with empty sections
    "/cpt/99213/": 403,
    "/usage/": 200,
    "/account/": 200,
    "/account/delete/": 200,
    "/accounts/email/": 200,
    "/accounts/password/change/": 200,
    "/accounts/sessions/": 200,
    "/accounts/logout/": 200,
}
EDITOR_PAGES = {
    "/admin/": 200,
    "/admin/codes/code/": 200,
    "/admin/codes/code/?validity=future": 200,
    "/admin/codes/codesystem/": 200,
    "/admin/codes/descriptoroverride/": 200,
    "/admin/codes/errorreport/": 200,
    "/admin/quotas/allowance/": 200,
    "/admin/quotas/allowanceoverride/add/": 200,
    "/admin/quotas/crawlernetwork/": 200,
    "/admin/quotas/morerequest/": 200,
    "/admin/releases/edition/": 200,
    "/admin/releases/source/": 200,
    "/styleguide/": 200,
    "/cpt/38570/": 200,
}
WIDTHS = [360, 768, 1440]


@pytest.fixture
def demo(demo_content: None) -> None:
    """What `load_demo` loads: the content, and a release with terminated codes and modifiers."""
    call_command("import_release", "hcpcs", "fixtures/releases/hcpcs_2026Q1_sample.txt", verbosity=0)


def look(page: Page, addresses: dict[str, int], axe: Callable[[Page], None]) -> None:
    for address, status in addresses.items():
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == status, address
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            overhang = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overhang <= 0, f"{address} is {overhang} pixels too wide at {width}"
        axe(page)


def log_in(page: Page, base_url: str, user: object) -> None:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}])


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_a_guest_is_whole_and_accessible(page: Page, axe: Callable[[Page], None], theme: str) -> None:
    look(page, GUEST_PAGES, axe)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_an_account_is_whole_and_accessible(
    page: Page, base_url: str, axe: Callable[[Page], None], theme: str
) -> None:
    user = UserFactory()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    log_in(page, base_url, user)
    for address in OPENED:
        page.goto(address)
    look(page, ACCOUNT_PAGES, axe)
    page.goto("/usage/")
    page.get_by_label("What do you need it for?").fill("A class of thirty.")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_text("You asked for more on")).to_be_visible()
    axe(page)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_an_editor_is_whole_and_accessible(
    page: Page, base_url: str, axe: Callable[[Page], None], theme: str
) -> None:
    log_in(page, base_url, EditorFactory())
    code = Code.objects.get(code="38570").pk
    screens = {f"/admin/codes/code/{code}/change/": 200, f"/admin/codes/code/{code}/history/": 200}
    look(page, EDITOR_PAGES | screens, axe)
