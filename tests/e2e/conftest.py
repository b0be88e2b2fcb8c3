"""A real browser against a real server, as a reader meets the site.

    def test_a_guest_reads(page: Page) -> None: ...                              # wide, light, with JavaScript
    @pytest.mark.parametrize("theme", ["light", "dark"])                         # add `theme: str` to the arguments
    @pytest.mark.usefixtures("phone")                                            # 360 pixels wide, touch
    @pytest.mark.usefixtures("no_javascript")

`page` knows the server (`page.goto("/cpt/38570/")`) and fails its test on any console error, uncaught exception, broken
rule of the content security policy and address that cannot be loaded. Every journey begins on a fresh database.
"""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.mail import EmailMessage
from django.core.management import call_command
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response
from pytest_django.live_server_helper import LiveServer

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in this thread; our queries are not async

FLAGS = [
    "--no-sandbox",  # as root, in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    return {**browser_type_launch_args, "executable_path": chromium, "args": FLAGS}


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    return live_server.url


@pytest.fixture
def theme() -> str:
    """Parametrise it: light, dark."""
    return "light"


@pytest.fixture
def phone() -> None:
    """Asked for by tests that look at a phone's width."""


@pytest.fixture
def no_javascript() -> None:
    """Asked for by tests that need nothing but HTML."""


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], request: pytest.FixtureRequest, theme: str
) -> dict[str, Any]:
    args = {**browser_context_args, "color_scheme": theme, "reduced_motion": "reduce"}
    args["viewport"] = {"width": 1280, "height": 900}
    if "phone" in request.fixturenames:
        args |= {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    if "no_javascript" in request.fixturenames:
        args["java_script_enabled"] = False
    return args


class Troubles(list[str]):
    """What went wrong behind the reader's back on one page."""

    def __init__(self, page: Page) -> None:
        self.navigated: set[str] = set()
        page.on("response", self._remember)
        page.on("console", self._judge)  # Chromium logs breaches of the content security policy too
        page.on("pageerror", lambda error: self.append(f"Uncaught exception: {error}"))

    def _remember(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.navigated.add(response.url)

    def _judge(self, message: ConsoleMessage) -> None:
        # Chromium logs a page's own 403 or 404 as an error too; that is an answer to the reader, not a trouble.
        is_answer = message.text.startswith("Failed to load resource") and message.location["url"] in self.navigated
        if message.type == "error" and not is_answer:
            self.append(f"{message.text} ({message.location['url']})")


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer) -> Page:
    return context.new_page()


@pytest.fixture(autouse=True)
def troubles(page: Page) -> Iterator[list[str]]:
    troubles = Troubles(page)
    yield troubles
    assert not troubles, "The browser complained:\n" + "\n".join(troubles)


@pytest.fixture
def demo_content(transactional_db: None) -> None:
    """The codes that the site is delivered with."""
    call_command("import_content", "fixtures/content", verbosity=0)


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """`axe(page)` asserts that the page as it stands breaks no accessibility rule."""

    def check(page: Page) -> None:
        # Without preload axe adds no <style> of its own (it does to follow @import), which our policy would report.
        results = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}, "preload": False})
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"

    return check


@pytest.fixture
def mailed_code(mailoutbox: list[EmailMessage]) -> Callable[[str], str]:
    """`mailed_code("reader@example.org")`: the six digits of the last mail to that address."""

    def find(address: str) -> str:
        for mail in reversed(mailoutbox):
            if address in mail.to and (code := re.search(r"^\s*(\d{6})\s*$", str(mail.body), re.MULTILINE)):
                return code[1]
        raise AssertionError(
            f"No mail with a code went to {address}: {[(mail.to, mail.subject) for mail in mailoutbox]}"
        )

    return find
