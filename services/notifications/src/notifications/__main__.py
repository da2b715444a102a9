"""The console script `review-notifications`."""

from __future__ import annotations

import sys

from reviewbus import runner


def main() -> int:
    """Run the verb that the command line names; return the exit status."""
    return runner.main("notifications")


if __name__ == "__main__":
    sys.exit(main())
