"""Tell whether the pinned requirements still are what pyproject.toml asks for. Offline; run by `dev.py check`."""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = "uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11"
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    """Versions by name."""
    return {canonicalize_name(name): version for name, version in PIN.findall((ROOT / file).read_text())}


def asked_for(file: str) -> set[str]:
    """Names that the file says pyproject.toml itself asks for, not another package."""
    entries = re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", (ROOT / file).read_text(), flags=re.MULTILINE)
    return {
        canonicalize_name(pin[1])
        for entry in entries
        if (pin := PIN.match(entry)) and re.search(r"\(pyproject\.toml(?::\w+)?\)", entry)
    }


def differences(wanted: list[str], file: str) -> list[str]:
    requirements = {canonicalize_name(wish.name): wish for wish in map(Requirement, wanted)}
    pinned = pins(file)
    wrong = [
        f"{file}: {name} is {pinned.get(name, 'missing')}, pyproject.toml asks for {wish}"
        for name, wish in requirements.items()
        if name not in pinned or not wish.specifier.contains(pinned[name], prereleases=True)
    ]
    return wrong + [
        f"{file}: {name} is pinned, pyproject.toml no longer asks for it" for name in asked_for(file) - {*requirements}
    ]


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    site, groups = project["project"]["dependencies"], project["dependency-groups"]
    wrong = [
        *differences(site, "requirements.txt"),
        *differences(groups["dev"], "requirements-dev.txt"),
        *differences(groups["postgres"], "requirements-postgres.txt"),
    ]
    both, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    wrong += [
        f"{name} is {both[name]} in requirements.txt and {dev[name]} in requirements-dev.txt"
        for name in sorted({*both} & {*dev})
        if both[name] != dev[name]
    ]
    if wrong:
        print(*wrong, sep="\n")
        print(f"Lock again: {LOCK} pyproject.toml -o requirements.txt")
        print(f"            {LOCK} --group dev -c requirements.txt -o requirements-dev.txt")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
