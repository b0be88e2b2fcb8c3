"""What operators rely on: documented variables, a server configuration that loads, an image without surprises."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_every_variable_is_explained_in_the_sample() -> None:
    sources = (ROOT / "codingahead" / "settings.py").read_text() + (ROOT / "gunicorn.conf.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|flag|required|environ\.get)\(\s*"([A-Z_]+)"', sources))
    explained = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.sample").read_text(), re.MULTILINE))
    assert {"SECRET_KEY", "DEBUG", "QUOTA_GUEST_LIMIT", "WEB_THREADS"} <= read
    assert read == explained


def test_gunicorn_accepts_its_configuration() -> None:
    command = [sys.executable, "-m", "gunicorn", "--check-config", "codingahead.wsgi"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_mounted_secret_may_end_with_a_newline(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://app:secret@postgres:5432/codingahead\n")
    (tmp_path / "key").write_text("0123456789\n")
    program = "from django.conf import settings as s; print(repr(s.SECRET_KEY), s.DATABASES['default']['NAME'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "codingahead.settings",
            "SECRET_KEY_FILE": str(tmp_path / "key"),
            "DATABASE_URL_FILE": str(tmp_path / "url"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "'0123456789' codingahead\n"


def test_the_image_gets_every_app_and_nothing_private() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = {folder.parent.name for folder in ROOT.glob("*/apps.py")}
    assert packages <= allowed
    assert not allowed & {".env", ".dev", ".git", "secrets", "tests"}


def test_compose_waits_for_the_database_and_its_migrations() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert services["web"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "healthcheck" in services["postgres"]
