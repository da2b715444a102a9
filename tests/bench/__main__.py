"""Measure: `python -m bench [name]`. Writes var/bench/<name>.json and prints a table."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bulk, figures, http, idle, inbox, memory, outbox, pdf, races
from harness.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS = Path("var/bench")
# The others take about a minute each.
MINUTES = {"bulk": 4, "races": 9}
BENCHES: dict[str, Callable[[Stack, Path], list[figures.Figure]]] = {
    "idle": idle.release,
    "http": http.write,
    "latency": outbox.latency,
    "drain": outbox.drain,
    "consume": inbox.consume,
    "pdf": pdf.render,
    "memory": memory.resident,
    "bulk": bulk.bulk,
    "races": races.racing,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks named, or all; exit 1 if a bar was not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", choices=sorted(BENCHES), help="one of them")
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    names = [chosen.only] if chosen.only else list(BENCHES)
    folder = Path(tempfile.mkdtemp(prefix="review-bench-"))
    folder.chmod(0o755)
    missed = 0
    print(f"measuring {', '.join(names)}; about {1 + sum(MINUTES.get(name, 1) for name in names)} minutes", flush=True)
    # Rows survive a fall of the machine here, as they must in production: a commit costs what it costs.
    with Stack.start(var_dir=folder, durable=True) as stack:
        for number, name in enumerate(names, 1):
            began = time.monotonic()
            print(f"[{number}/{len(names)}] {name} …", flush=True)
            found = BENCHES[name](stack, folder)
            figures.write(chosen.results, name, found)
            for one in found:
                beside = f", raw {one.raw:.4g}" if one.raw is not None else ""
                missed += one.reached is False
                word = {True: "reached", False: "NOT REACHED", None: ""}[one.reached]
                print(f"      {one.name}: {one.value:.4g} {one.unit}{beside} {word}", flush=True)
            print(f"      took {time.monotonic() - began:.0f} s", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    print(figures.table(chosen.results))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
