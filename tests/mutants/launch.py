"""Run a machine on a copy of the code: `python -m mutants.launch <copy> <machine> [argument…]`.

The environment has links to the shipped code. That the copy is what runs is not believed but looked at, in the very
process in which the machine then runs.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path

PACKAGES = ("assessment", "notifications", "packets", "reviewbus", "signing")
NOT_THE_COPY = 3


def astray(copy: Path) -> list[str]:
    """Return the packages that are imported from elsewhere than from below `copy`."""
    places = {name: Path(str(importlib.import_module(name).__file__)).resolve() for name in PACKAGES}
    return [f"{name} from {place}" for name, place in places.items() if not place.is_relative_to(copy.resolve())]


def main(copy: str, machine: str, *arguments: str) -> int:
    """Run `machine` as `python -m` does, unless something else than the copy would be examined."""
    if elsewhere := astray(Path(copy)):
        print(f"not the copy {copy}: {', '.join(elsewhere)}", file=sys.stderr)
        return NOT_THE_COPY
    sys.argv = [machine, *arguments]
    runpy.run_module(machine, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
