"""The console script of the assessment service."""

from __future__ import annotations

import sys

from assessment.app import build
from reviewbus import runner


def main() -> int:
    """Run the verb that the command line names."""
    return runner.main("assessment", build)


if __name__ == "__main__":
    sys.exit(main())
