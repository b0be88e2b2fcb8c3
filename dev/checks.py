"""What `dev.py check` asks of the code, and what `dev.py fix` mends. Standard library only."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Settings as on a production site; nothing here connects to the database.
PRODUCTION = {
    "DEBUG": "0",
    "HTTPS": "1",
    "SECRET_KEY": "only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "DATABASE_URL": "postgresql://app@127.0.0.1:1/codingahead",
    "ALLOWED_HOSTS": "codingahead.example",
    "SITE_URL": "https://codingahead.example",
    "TRUSTED_PROXY_COUNT": "1",
    "EMAIL_URL": "smtp://localhost:25",
}


def check(root: Path, python: Path) -> int:
    """Run every check, two at a time; one line each, and the output of those that fail."""
    tools = python.parent
    templates = _templates(root)
    commands: dict[str, list[str | Path]] = {
        "types (mypy)": [tools / "mypy", ".", "--exclude", "/migrations/"],
        "code (ruff check)": [tools / "ruff", "check", "--quiet"],
        "format (ruff format)": [tools / "ruff", "format", "--check", "--quiet"],
        "template format (djade)": [tools / "djade", "--check", "--target-version", "5.2", *templates],
        "templates (djlint)": [tools / "djlint", "--lint", "--quiet", "templates"],
        "layers (import-linter)": [tools / "lint-imports", "--no-cache"],
        "migrations": [python, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run"],
        "settings (check --deploy)": [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        "pinned requirements": [python, "dev/pins.py"],
    }
    # A .env file would not win against these, and no variable of the developer's shell gets through.
    env = {name: os.environ[name] for name in ["PATH", "HOME", "LANG"] if name in os.environ} | PRODUCTION

    def run(name: str) -> bool:
        started = time.monotonic()
        done = subprocess.run(
            commands[name], cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        passed = done.returncode == 0
        line = f"{'ok    ' if passed else 'FAILED'} {name} ({time.monotonic() - started:.1f} s)\n"
        print(line + ("" if passed else done.stdout), end="", flush=True)
        return passed

    with ThreadPoolExecutor(2) as pool:
        failed = list(pool.map(run, commands)).count(False)
    print(f"{failed} of {len(commands)} checks failed" if failed else f"All {len(commands)} checks passed")
    return 1 if failed else 0


def fix(root: Path, python: Path) -> int:
    tools = python.parent
    commands: list[list[str | Path]] = [
        [tools / "ruff", "check", "--fix", "--quiet"],
        [tools / "ruff", "format"],
        [tools / "djade", "--target-version", "5.2", *_templates(root)],
    ]
    codes = [subprocess.run(command, cwd=root, check=False).returncode for command in commands]
    return 1 if any(codes[:2]) else 0  # djade's 1 means that it mended something


def _templates(root: Path) -> list[Path]:
    return sorted((root / "templates").rglob("*.html"))
