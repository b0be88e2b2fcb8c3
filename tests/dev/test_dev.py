"""`dev.py`, the newcomer's way in."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

import dev

ROOT = Path(__file__).resolve().parents[2]
needs_its_environment = pytest.mark.skipif(
    not (ROOT / ".venv" / "installed").exists(), reason="Needs the virtual environment that dev.py makes"
)


def test_an_older_python_is_answered_in_a_sentence(tmp_path: Path) -> None:
    script = tmp_path / "dev.py"
    script.write_text("import sys; sys.version_info = (3, 9, 2)\n" + (ROOT / "dev.py").read_text())
    done = subprocess.run([sys.executable, script, "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr == "Coding Ahead needs Python 3.11 or newer, and this is an older one. Try: python3.11 dev.py run\n"
    )


def test_it_stays_small() -> None:
    assert len((ROOT / "dev.py").read_text().splitlines()) <= 200


def test_a_taken_port_is_answered_with_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port} is taken.*--port \\d+") as answer:
            dev.run(port)
    free = int(str(answer.value).rpartition(" ")[2])
    assert dev.is_free(free)


def test_a_secret_key_is_made_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "STATE", tmp_path)
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key = dev.environment()["SECRET_KEY"]
    assert len(key) >= 50
    assert dev.environment()["SECRET_KEY"] == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_what_is_set_already_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "STATE", tmp_path)
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SITE_URL", "https://codingahead.example")
    (tmp_path / ".env").write_text("# a comment\nDEBUG=0\nSECRET_KEY=mine\nDATABASE_URL=postgresql://elsewhere/site\n")
    monkeypatch.delenv("DEBUG", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    env = dev.environment(SITE_URL="http://127.0.0.1:8000")
    assert env["SITE_URL"] == "https://codingahead.example"
    assert not {"DEBUG", "SECRET_KEY"} & {*env}  # Django reads them from .env
    with dev.database(env):
        assert "DATABASE_URL" not in env  # and starts no server of its own


@needs_its_environment
@pytest.mark.django_db(transaction=True)
def test_run_serves_the_demo_until_ctrl_c_ends_everything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    database = connection.settings_dict
    host = quote(database["HOST"] or database["OPTIONS"].get("host", ""), safe="")
    address = (
        f"postgresql://{database['USER']}:{database['PASSWORD']}@:{database['PORT']}/{database['NAME']}?host={host}"
    )
    env = {**os.environ, "DATABASE_URL": address, "DEBUG": "1", "SECRET_KEY": settings.SECRET_KEY}
    command = [sys.executable, str(ROOT / "dev.py"), "run", "--port", str(port)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("· Open "):
                break
        url = f"http://127.0.0.1:{port}"
        assert f"· Open {url}/" in "".join(said), "".join(said)
        assert urllib.request.urlopen(f"{url}/readyz").status == 200  # noqa: S310 - our own address
        assert urllib.request.urlopen(f"{url}/dev/mail/").status == 200  # noqa: S310
        assert "reader@codingahead.example" in "".join(said)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert dev.is_free(port)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("django>=5.2.19,<5.3", 'django>=5.2.19,<5.2.20",\n    "left-pad>=1'), "left-pad is missing"),
        (("django>=5.2.19,<5.3", "django>=6,<7"), "asks for django<7,>=6"),
        (('    "whitenoise[brotli]>=6.12,<7",\n', ""), "whitenoise is pinned, pyproject.toml no longer asks for it"),
    ],
)
def test_pins_that_lag_behind_pyproject_are_named(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    (tmp_path / "dev").mkdir()
    shutil.copy(ROOT / "dev" / "pins.py", tmp_path / "dev")
    for file in ROOT.glob("requirements*.txt"):
        shutil.copy(file, tmp_path)
    project = (ROOT / "pyproject.toml").read_text()
    for text, code in [(project, 0), (project.replace(*change), 1)]:
        (tmp_path / "pyproject.toml").write_text(text)
        done = subprocess.run(
            [sys.executable, tmp_path / "dev" / "pins.py"], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout
    assert complaint in done.stdout
