"""Running a service: one console script, a verb for each kind of process.

`web` is gunicorn. `relay`, `consume` and `work` are loops; `background` runs the three as threads of one process.
`migrate`, `check` and `dlq` end by themselves. SIGTERM ends a loop after its present round. Each verb loads only what
it needs: gunicorn's master nothing of the service, `web` neither Kafka nor Alembic.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, cast

from reviewbus import crash, settings, telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbus.service import Build, Service


def main(name: str, arguments: Sequence[str] | None = None, *, build: Build | None = None) -> int:
    """Run the verb that the command line names; return the exit status.

    `build` composes the service; without it `build` of the service's module `app` does, loaded when it is needed.
    """
    chosen = parser(name).parse_args(arguments)
    try:
        return _run(name, chosen, build)
    except settings.EnvError as error:
        sys.stderr.write(f"{error}: see Settings in shared/README.md and in the README of the service\n")
        return 2


def _run(name: str, chosen: argparse.Namespace, build: Build | None) -> int:
    bus = settings.read_bus(name)
    telemetry.configure_logging(name, bus.log_level)
    if bus.crash_point and bus.is_production:
        sys.stderr.write("REVIEW_CRASH_POINT is set: refused in production\n")
        return 2
    crash.arm(bus.crash_point, bus.crash_marker)

    def compose() -> Service:
        return (build or cast("Build", importlib.import_module(f"{name}.app").build))()

    if chosen.verb == "web":
        from reviewbus import web  # noqa: PLC0415 -- the other verbs need no gunicorn

        return web.serve(compose, bus)
    from reviewbus import verbs  # noqa: PLC0415 -- web needs neither Kafka nor Alembic

    service = compose()
    try:
        return verbs.run(chosen, service)
    finally:
        service.close()
        service.db.close()


def parser(name: str) -> argparse.ArgumentParser:
    """Return what reads the command line of a service."""
    parser = argparse.ArgumentParser(prog=f"review-{name}", description=f"The {name} service.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("web", help="serve the HTTP API")
    verbs.add_parser("relay", help="send the outbox to Kafka")
    verbs.add_parser("consume", help="apply the records that this service reads")
    verbs.add_parser("work", help="do jobs, reconcile, sweep")
    verbs.add_parser("background", help="relay, consume and work in one process")
    verbs.add_parser("migrate", help="bring the database to the newest schema and create missing topics")
    check = verbs.add_parser("check", help="run the audit sweep once; exit 1 if it found anything")
    how = check.add_mutually_exclusive_group()
    how.add_argument("--restored", action="store_true", help="after a restore, before anything else starts")
    how.add_argument(
        "--rebuild",
        action="store_true",
        help="build anew what was learnt, beside what is served, and compare; exit 1 if it differs, 2 if it failed",
    )
    dlq = verbs.add_parser("dlq", help="records that could not be applied or sent").add_subparsers(
        dest="act", required=True
    )
    dlq.add_parser("list", help="what lies there")
    for act, meaning in (
        ("show", "one record"),
        ("replay", "apply it and what waits behind it"),
        ("discard", "drop it"),
    ):
        one = dlq.add_parser(act, help=meaning)
        one.add_argument("id", type=int)
        one.add_argument("--out", action="store_true", help="an outgoing record that the broker refused")
        one.add_argument("--actor", default="operator", help="who does this, for the audit record")
    return parser
