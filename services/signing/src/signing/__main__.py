"""The console script `review-signing`."""

from __future__ import annotations

import sys

from reviewbus import runner


def main() -> int:
    """Run the verb that the command line names; return the exit status."""
    return runner.main("signing")


if __name__ == "__main__":
    sys.exit(main())
