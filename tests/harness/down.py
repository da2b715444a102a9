"""Stop what `python -m harness.up` started: `python -m harness.down`, or `make down`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.up import Place, ask_to_end

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Stop the system that runs in the background, if one does."""
    parser = argparse.ArgumentParser(description="Stop the system that runs in the background.")
    parser.add_argument("--var", type=Path, default=Path("var"), help="the folder that was given to `up`")
    place = Place(parser.parse_args(arguments).var.absolute())
    if not place.is_running():
        place.addresses.unlink(missing_ok=True)
        print("Nothing is running.")
        return 0
    print("Stopping everything.", flush=True)
    ask_to_end(place)
    place.addresses.unlink(missing_ok=True)
    if place.is_running():
        print(f"It is still running. What it says: {place.log}")
        return 1
    print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
