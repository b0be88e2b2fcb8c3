#!/usr/bin/env python3
"""Coding Ahead from a clone to a running site: `python3 dev.py run`. Needs Python 3.11 and nothing else."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one should read a sentence, not a traceback
    sys.exit("Coding Ahead needs Python 3.11 or newer, and this is an older one. Try: python3.11 dev.py run")
if sys.platform == "win32":
    sys.exit("On Windows, run this inside WSL (wsl --install); it needs Linux or macOS.")

import argparse
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "dev"))

import checks
import postgres
import venvs

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = ROOT / ".dev"
PREPARE = """
import os; os.environ["DJANGO_SETTINGS_MODULE"] = "codingahead.settings"
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0); call_command("load_demo")
"""


def say(line: str) -> None:
    print(f"· {line}", flush=True)


def dotenv() -> set[str]:
    """The names to which `.env` gives a value; Django reads their values itself."""
    with suppress(FileNotFoundError):
        lines = (ROOT / ".env").read_text().splitlines()
        parts = [line.strip().removeprefix("export ").partition("=") for line in lines]
        return {name.strip() for name, _, value in parts if value}
    return set()


def environment(**defaults: str) -> dict[str, str]:
    """What Django starts with here. Whatever is set already, there or in `.env`, wins."""
    given = dotenv()
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "DJANGO_RUNSERVER_HIDE_WARNING": "true"}
    if not {"SECRET_KEY", "SECRET_KEY_FILE"} & {*env, *given}:
        file = STATE / "secret_key"
        with suppress(FileExistsError), open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(50))
        env["SECRET_KEY"] = file.read_text()
    for name, value in {"DEBUG": "1", **defaults}.items():
        if name not in given:
            env.setdefault(name, value)
    return env


@contextmanager
def database(env: dict[str, str], *, throwaway: bool = False) -> Iterator[None]:
    """DATABASE_URL if it is set, else the embedded server, which ends with the last command that uses it."""
    if {"DATABASE_URL", "DATABASE_URL_FILE"} & {*env, *dotenv()}:
        yield
        return
    with postgres.cluster_of(ROOT, throwaway=throwaway).in_use(say) as url:
        for name in [name for name in env if name.startswith("PG")]:
            del env[name]  # libpq would mix them into the address
        env["DATABASE_URL"] = url
        yield


def call(env: dict[str, str], *arguments: str) -> int:
    """Run a Python program of the project to its end. Ctrl-C is its own to answer, as in a shell."""
    process = subprocess.Popen([PYTHON, *arguments], cwd=ROOT, env=env)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
        return code if code >= 0 else 128 - code
    finally:
        end(process)
        signal.signal(signal.SIGINT, before)


def end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def run(port: int) -> int:
    if not is_free(port):
        free = next(number for number in range(port + 1, 65536) if is_free(number))
        sys.exit(f"Port {port} is taken. Use another one: python3 dev.py run --port {free}")
    address = f"http://127.0.0.1:{port}/"
    env = environment(SITE_URL=address.rstrip("/"))
    with database(env):
        say("Migrating; loading the demo content if it is not there yet")
        if code := call(env, "-c", PREPARE):
            return code
        server = subprocess.Popen([PYTHON, "manage.py", "runserver", f"127.0.0.1:{port}"], cwd=ROOT, env=env)
        try:
            if answers(f"{address}healthz", server):
                say(f"Open {address} – mail that the site sends is at {address}dev/mail/ – Ctrl-C ends everything")
            return server.wait()
        finally:
            end(server)


def is_free(port: int) -> bool:
    with socket.socket() as attempt, suppress(OSError):
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        attempt.bind(("127.0.0.1", port))
        return True
    return False


def answers(url: str, server: "subprocess.Popen[bytes]") -> bool:
    while server.poll() is None:
        with suppress(urllib.error.URLError, OSError):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
            return True
        time.sleep(0.1)
    return False


def leave(number: int, frame: FrameType | None) -> None:
    """Unwind once, in order: what is ending must not be interrupted again."""
    for each in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(0 if number == signal.SIGINT else 128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    serve = commands.add_parser("run", help="the site with demo content")
    serve.add_argument("--port", type=int, default=8000)
    passed_on = {
        "test": "unit and race tests; arguments go to pytest",
        "e2e": "journeys in a real browser (chromium); arguments go to pytest",
        "bench": "benchmarks, all or one: bench pages",
        "manage": "Django's manage.py",
    }
    for name, text in passed_on.items():
        commands.add_parser(name, help=text, prefix_chars="\0", add_help=False).add_argument("rest", nargs="*")
    commands.add_parser("check", help="formatting, types, layers, migrations, settings")
    commands.add_parser("fix", help="format, and mend what can be mended")
    halt = commands.add_parser("stop", help="stop the embedded database, if a command was killed and left it")
    halt.add_argument("--erase", action="store_true", help="and delete its data: the next run begins anew")
    options = parser.parse_args()
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, leave)
    if options.command == "stop":
        done = postgres.stop_all(ROOT, erase=options.erase)
        say(f"{'Erased' if options.erase else 'Stopped'} {', '.join(map(str, done)) or 'nothing: none was there'}")
        return 0
    STATE.mkdir(mode=0o700, exist_ok=True)
    venvs.install(ROOT, VENV, STATE, say)
    if options.command == "run":
        return run(options.port)
    if options.command == "check":
        return checks.check(ROOT, PYTHON)
    if options.command == "fix":
        return checks.fix(ROOT, PYTHON)
    if options.command == "bench":
        names = options.rest[:1] or sorted(file.stem for file in ROOT.glob("benchmarks/[a-z]*.py"))
        env = environment(DEBUG="0", HTTPS="0", ALLOWED_HOSTS="127.0.0.1")
        with database(env):
            return max([call(env, "-m", f"benchmarks.{name}", *options.rest[1:]) for name in names], default=0)
    env = environment()
    with database(env, throwaway=options.command != "manage"):
        chosen = any(Path(argument.partition("::")[0]).exists() for argument in options.rest)
        program = {
            "test": ["-m", "pytest", *([] if options.rest else ["--cov"])],  # of a part, coverage says nothing
            "e2e": ["-m", "pytest", "-m", "e2e", *([] if chosen else ["tests/e2e"])],
            "manage": ["manage.py"],
        }
        return call(env, *program[options.command], *options.rest)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except postgres.PostgresError as error:
        sys.exit(str(error))
