"""`python -m faults.judge <folder>`: print the verdict; return 1 if any rule was broken."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from faults.judge.history import load
from faults.judge.verdict import RULES, judge

SHOWN_MAX = 10


def main() -> int:
    """Judge one history."""
    parser = argparse.ArgumentParser(prog="python -m faults.judge", description="Judge the history of a run.")
    parser.add_argument("folder", type=Path, help="where run.json, calls.jsonl, records.jsonl and rows/ are")
    history = load(parser.parse_args().folder)
    wrongs = judge(history)
    found = Counter(one.rule for one in wrongs)
    print(f"{len(history.calls)} calls, {len(history.records)} records, {len(history.mails)} mails judged")
    for rule, promise in RULES.items():
        print(f"{f'BROKEN {found[rule]} times' if found[rule] else 'holds':18} {rule:7} {promise}")
    for rule in found:
        shown = [each for each in wrongs if each.rule == rule][:SHOWN_MAX]
        print(*(f"  {one}" for one in shown), sep="\n")
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
