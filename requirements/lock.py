"""Lock the requirements of the services and of developers, or check that the locks are current.

    python requirements/lock.py [--upgrade]   write requirements/*.txt
    python requirements/lock.py --check       exit 1 and say what is stale; asks no package registry

`dev.txt` is resolved first, over everything; it is the constraint of the others, so all files agree. The first line of
each file is a digest of what it was made from: a lock is stale when the digest is another one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("assessment", "notifications", "packets", "signing")
DISTRIBUTIONS = {"reviewbus": "shared", **{f"review-{name}": f"services/{name}" for name in SERVICES}}
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def main() -> int:
    """Write or check the locks; the answer is the exit code."""
    parser = argparse.ArgumentParser(description="Lock the requirements.")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that are allowed")
    options = parser.parse_args()
    if options.check:
        complaints = [line for name, sources in _locks().items() for line in _complaints(name, sources)]
        print("\n".join(complaints) or "requirements are current")
        return 1 if complaints else 0
    for name, sources in _locks().items():
        _compile(name, sources, upgrade=options.upgrade and name == "dev")
    return 0


def _locks() -> dict[str, list[str]]:
    everything = [f"{folder}/pyproject.toml" for folder in DISTRIBUTIONS.values()]
    return {
        "dev": ["requirements/dev.in", *everything],
        "uv": ["requirements/uv.in"],
        **{name: ["shared/pyproject.toml", f"services/{name}/pyproject.toml"] for name in SERVICES},
    }


def _compile(name: str, sources: list[str], *, upgrade: bool) -> None:
    target = ROOT / "requirements" / f"{name}.txt"
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.11"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--output-file", str(target), *sources]
    command += [part for package in DISTRIBUTIONS for part in ("--no-emit-package", package)]
    if name != "dev":
        command += ["--constraints", "requirements/dev.txt"]
    if upgrade:
        command.append("--upgrade")
    print(f"resolving requirements/{name}.txt", flush=True)
    subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], cwd=ROOT, check=True)
    target.write_text(f"# made by `make lock` from {_digest(sources)}\n{target.read_text()}")


def _complaints(name: str, sources: list[str]) -> list[str]:
    target = ROOT / "requirements" / f"{name}.txt"
    if not target.exists():
        return [f"requirements/{name}.txt is missing: make lock"]
    text = target.read_text()
    complaints = []
    if _digest(sources) not in text.partition("\n")[0]:
        complaints.append(f"requirements/{name}.txt is older than {', '.join(sources)}: make lock")
    if "://" in text:
        complaints.append(f"requirements/{name}.txt names a host")
    if strangers := sorted(
        set(PINNED.findall(text)) - set(PINNED.findall((ROOT / "requirements/dev.txt").read_text()))
    ):
        complaints.append(f"requirements/{name}.txt differs from dev.txt in {strangers}: make lock")
    return complaints


def _digest(sources: list[str]) -> str:
    asked = [_asked(ROOT / source) for source in sources]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def _asked(source: Path) -> list[str]:
    if source.suffix == ".toml":
        project = tomllib.loads(source.read_text())["project"]
        return [project["requires-python"], *sorted(project["dependencies"])]
    lines = (line.partition("#")[0].strip() for line in source.read_text().splitlines())
    return sorted(line for line in lines if line)


if __name__ == "__main__":
    sys.exit(main())
