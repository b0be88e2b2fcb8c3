"""The virtual environment of a checkout. Standard library only."""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PINNED = ["requirements.txt", "requirements-dev.txt"]
EMBEDDED = "requirements-postgres.txt"  # has no wheel for some systems, which then need a PostgreSQL of their own


def install(root: Path, venv: Path, state: Path, say: Callable[[str], object]) -> None:
    """Exactly what the requirements files pin; does nothing if that is there."""
    wanted = hashlib.sha256(b"".join((root / file).read_bytes() for file in [*PINNED, EMBEDDED])).hexdigest()
    stamp = venv / "installed"
    python = venv / "bin" / "python"
    with open(state / "install.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two starts at once install once
        works = python.exists() and _succeeds(python, "-c", "")  # its Python may have been removed since
        if works and stamp.exists() and stamp.read_text() == wanted:
            return
        if not works:
            say(
                f"Creating a virtual environment with Python {sys.version_info[0]}.{sys.version_info[1]} in {venv.name}"
            )
            if not _succeeds(sys.executable, "-m", "venv", "--clear", venv):
                sys.exit("Python could not create a virtual environment. On Debian: apt-get install python3-venv")
        say("Installing the requirements (a minute, the first time)")
        pip: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
        ]
        if not _succeeds(*pip, *(f"-r{root / file}" for file in PINNED)):
            sys.exit("The requirements could not be installed; pip says why above.")
        if not _succeeds(*pip, f"-r{root / EMBEDDED}"):
            say("No embedded PostgreSQL for this system: an installed one will be used")
        stamp.write_text(wanted)


def _succeeds(*command: str | Path) -> bool:
    return subprocess.run(command, check=False).returncode == 0
