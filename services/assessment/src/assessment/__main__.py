"""The console script of the assessment service."""

from __future__ import annotations

import sys

from reviewbus import runner


def main() -> int:
    """Run the verb that the command line names."""
    return runner.main("assessment")


if __name__ == "__main__":
    sys.exit(main())
