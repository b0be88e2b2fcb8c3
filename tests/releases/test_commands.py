"""import_release and publish_release as an operator runs them, killed processes and rivals included."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction

from codes.models import Code
from releases.models import Edition, Source
from tests.codes.imports.files import Record, anweb, zipped

A = Record("A0001", long="First", short="First")


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def run(*arguments: str, tty: bool = False) -> str:
    out = io.StringIO()
    if tty:
        out.isatty = lambda: True  # type: ignore[method-assign]
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_an_import_prints_its_report(tmp_path: Path) -> None:
    file = write(tmp_path / "HCPC2019_ANWEB.txt", anweb(A, Record("LT")))
    lines = run("import_release", "hcpcs", file).splitlines()
    assert lines[:3] == ["HCPCS Level II 2019, nothing to compare it with", "1 codes", "1 modifiers"]
    assert lines[3].startswith("Published. 2019 is the current edition. (")


@pytest.mark.django_db
def test_the_same_file_again_is_no_error(tmp_path: Path) -> None:
    file = write(tmp_path / "HCPC2019_ANWEB.txt", anweb(A))
    run("import_release", "hcpcs", file)
    assert run("import_release", "hcpcs", file) == (
        "HCPCS Level II 2019 is already imported: the same bytes. Nothing changed.\n"
    )


@pytest.mark.django_db
def test_no_progress_is_written_where_nobody_watches(tmp_path: Path) -> None:
    file = write(tmp_path / "HCPC2019_ANWEB.txt", anweb(A))
    assert "\r" not in run("import_release", "hcpcs", file)


@pytest.mark.django_db
def test_progress_on_a_terminal_stays_on_one_line_and_goes_away(tmp_path: Path) -> None:
    file = write(tmp_path / "HCPC2019_ANWEB.txt", anweb(A))
    out = run("import_release", "hcpcs", file, tty=True)
    assert out.startswith("\r\033[KChecking … 100%")
    assert "\r\033[KHCPCS Level II 2019, nothing to compare it with\n" in out
    assert (
        run("publish_release", "hcpcs", "2019")
        == "HCPCS Level II 2019 is the current edition already. Nothing changed.\n"
    )


@pytest.mark.django_db
def test_another_edition_is_made_current_and_back(tmp_path: Path) -> None:
    for year in ("2018", "2019"):
        run("import_release", "hcpcs", write(tmp_path / f"HCPC{year}_ANWEB.txt", anweb(Record("A0001", long=year))))
    assert run("publish_release", "hcpcs", "2018") == "HCPCS Level II 2018 is the current edition now.\n"
    assert Edition.objects.get(is_current=True).label == "2018"
    run("publish_release", "hcpcs", "2019")
    assert Edition.objects.get(is_current=True).label == "2019"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["import_release", "hcpcs", "/nowhere.txt"], r"/nowhere\.txt does not exist\."),
        (["import_release", "hcpcs", "http://example.com/a.zip"], "is no https address"),
        (["import_release", "cpt", "a.txt"], "invalid choice: 'cpt'"),
        (["import_release", "hcpcs", "/dev/null/a", "--edition", "soon"], "does not exist"),
        (["publish_release", "hcpcs", "2019"], r"hcpcs has no edition '2019'\. Stored: none\."),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run(*arguments)


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("server closed\nthe connection"), OSError("No space left")])
def test_a_database_or_disk_that_fails_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("releases.actions.stage", fail)
    with pytest.raises(CommandError, match=r"^Nothing was changed\. (server closed the connection|No space left)$"):
        run("import_release", "hcpcs", write(tmp_path / "HCPC2019_ANWEB.txt", anweb(A)))


@pytest.mark.django_db
def test_a_source_that_is_not_in_the_database_is_named() -> None:
    Source.objects.filter(slug="hcpcs").update(slug="other")
    with pytest.raises(CommandError, match=r"The source hcpcs is not in the database\. Run migrate first\."):
        run("import_release", "hcpcs", "a.txt")


def manage(*arguments: str) -> "subprocess.Popen[str]":
    """manage.py in a process of its own, on the test database."""
    values = connection.get_connection_params()
    host, port = quote(str(values.get("host") or ""), safe=""), values.get("port") or ""
    password = f":{quote(values['password'], safe='')}" if values.get("password") else ""
    url = f"postgresql://{values.get('user', '')}{password}@/{values['dbname']}?host={host}&port={port}"
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "SECRET_KEY": "test", "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def codes_locked() -> Iterator[None]:
    """Any import stops where it begins to write codes, with the edition written already."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE codes_code IN SHARE ROW EXCLUSIVE MODE")
        yield


def wait_until_it_waits(process: "subprocess.Popen[str]") -> None:
    for _ in range(600):
        assert process.poll() is None, process.communicate()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'codes_code'::regclass"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone():
                return
        time.sleep(0.05)
    raise AssertionError("The import never came to the lock.")


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_half_way_leaves_no_trace_and_can_be_repeated(tmp_path: Path) -> None:
    file = write(tmp_path / "HCPC2019_ANWEB.txt", anweb(A))
    with codes_locked():
        process = manage("import_release", "hcpcs", file)
        wait_until_it_waits(process)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
        process.communicate()
    for _ in range(200):  # the server notices a moment later
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid <> 0")
            if cursor.fetchone()[0] == 0:
                break
        time.sleep(0.05)
    assert not Edition.objects.exists()
    assert not Code.objects.filter(system__slug="hcpcs").exists()
    run("import_release", "hcpcs", file)
    assert Edition.objects.get().is_current


@pytest.mark.django_db(transaction=True)
def test_a_second_import_at_the_same_time_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with codes_locked():
        process = manage("import_release", "hcpcs", write(tmp_path / "HCPC2019_ANWEB.txt", anweb(A)))
        wait_until_it_waits(process)
        rival = manage("import_release", "hcpcs", write(tmp_path / "HCPC2020_ANWEB.txt", anweb(A)))
        _, errors = rival.communicate(timeout=60)
        assert rival.returncode == 1
        assert "Another import or publication of hcpcs is running. Try again when it is done." in errors
        assert "Traceback" not in errors
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [edition.label for edition in Edition.objects.all()] == ["2019"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("HCPC2019_ANWEB.txt", anweb(A)[:-50], "HCPC2019_ANWEB.txt, line 4, column 273: expected a line end"),
        ("HCPC2019.zip", zipped({"notes.pdf": b"x"}), "HCPC2019.zip has no HCPCS file"),
        ("HCPC2019.zip", zipped({"HCPC2019_ANWEB.txt": anweb(A)})[:200], "HCPC2019.zip is a cut or damaged archive"),
        ("HCPC2019.xlsx", b"\0\1\2 junk \xff", "HCPC2019.xlsx is no xlsx file, though its name says so"),
        ("HCPC2019.txt", b"\x89PNG\r\n\x1a\n\0\0", "HCPC2019.txt, line 2, column 1: "),
    ],
)
def test_a_bad_file_ends_the_command_with_one_sentence_and_an_error_code(
    tmp_path: Path, name: str, data: bytes, problem: str
) -> None:
    process = manage("import_release", "hcpcs", write(tmp_path / name, data))
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert errors.startswith(f"CommandError: {problem}")
    assert errors.count("\n") == 1
    assert not Edition.objects.exists()
