"""What a reader's browser has to load, compressed as the server sends it."""

import re
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage
from django.test import Client

from codes.models import LOCKED_KINDS, Section
from tests.factories import CodeFactory, HeadingFactory, SectionFactory, UserFactory

STATIC = Path(settings.BASE_DIR) / "static"
TEMPLATES = Path(settings.BASE_DIR) / "templates"
MAKERS_ONLY = {"admin.css", "admin-editing.css", "styleguide.css"}


def weight(files: list[Path]) -> int:
    assert files
    return sum(len(brotli.compress(file.read_bytes())) for file in files)


def test_all_style_sheets_together_weigh_at_most_15_kb() -> None:
    sheets = [sheet for sheet in STATIC.glob("css/**/*.css") if sheet.name not in MAKERS_ONLY]
    assert weight(sheets) <= 15_000


def test_all_scripts_of_a_reader_together_weigh_at_most_6_kb() -> None:
    assert weight([STATIC / "js" / "site.js", STATIC / "js" / "code.js"]) <= 6_000


def test_all_fonts_together_weigh_at_most_80_kb() -> None:
    fonts = list(STATIC.glob("fonts/*.woff2"))
    assert len(fonts) == 3
    assert sum(font.stat().st_size for font in fonts) <= 80_000


@pytest.mark.django_db
@pytest.mark.parametrize("reader", ["guest", "account"])
def test_a_long_code_page_weighs_at_most_15_kb(client: Client, reader: str) -> None:
    heading = HeadingFactory()
    code = CodeFactory(code="38570", described=True, heading=heading)
    for near in range(10):
        CodeFactory(code=f"3857{near}A", heading=heading)
    for kind in LOCKED_KINDS:
        text = " ".join(f"Rule {kind} {n} of the payer names {n * 37 % 101} conditions." for n in range(60))
        SectionFactory(code=code, kind=kind, text=text)
    if reader == "account":
        client.force_login(UserFactory())
    html = client.get(code.get_absolute_url()).content
    assert (b"Rule payment 59" in html) == (reader == "account")
    assert len(brotli.compress(html, quality=5)) <= 15_000
    assert Section.objects.count() == 8


@pytest.mark.django_db
def test_a_code_page_links_at_most_five_style_sheets(client: Client) -> None:
    html = client.get(CodeFactory(described=True).get_absolute_url()).content.decode()
    assert 1 <= html.count('rel="stylesheet"') <= 5


def test_every_static_file_that_a_template_or_sheet_names_exists(tmp_path: Path) -> None:
    """As `collectstatic` would find out, without collecting the admin's."""
    named = {
        name
        for template in TEMPLATES.rglob("*.html")
        for name in re.findall(r"{% static ['\"]([^'\"]+)['\"]", template.read_text())
        if not name.startswith("admin/")
    }
    assert "css/tokens.css" in named
    assert [name for name in named if not (STATIC / name).is_file()] == []

    source = FileSystemStorage(location=STATIC)
    storage = ManifestStaticFilesStorage(location=tmp_path, base_url="/static/")
    paths = {}
    for file in STATIC.rglob("*"):
        if file.is_file():
            name = str(file.relative_to(STATIC))
            with source.open(name) as opened:
                storage.save(name, opened)
            paths[name] = (storage, name)
    assert [result for *_, result in storage.post_process(paths) if isinstance(result, Exception)] == []


def test_addresses_in_the_plain_error_pages_exist() -> None:
    """They cannot use hashed names: the manifest may be what is broken."""
    addresses = re.findall(r'href="/static/([^"]+)"', (TEMPLATES / "plain.html").read_text())
    assert addresses
    assert all((STATIC / address).is_file() for address in addresses)


def test_no_template_has_inline_script_style_or_handler() -> None:
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), template
