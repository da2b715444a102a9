"""The verbs other than `web`: the loops, `migrate`, `check` and `dlq`."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reviewbus import dead_letters, inbox, loops, quarantine, telemetry
from reviewbus.broker import BrokerDown
from reviewbus.broker.client import KafkaBroker
from reviewbus.client import PeerRefused, PeerUnavailable
from reviewbus.db import is_transient
from reviewbus.service import Unable

if TYPE_CHECKING:
    import argparse

    from reviewbus.service import Service

_log = telemetry.logger("runner")


def run(chosen: argparse.Namespace, service: Service) -> int:
    """Run the verb that was chosen; return the exit status."""
    if chosen.verb == "migrate":
        return _migrate(service)
    if chosen.verb == "check" and chosen.rebuild:
        return _rebuild(service)
    if chosen.verb == "check":
        try:
            return _restored(service) if chosen.restored else _check(service)
        except PeerUnavailable as error:
            sys.stderr.write(f"another service did not answer ({error}): start it and run this again\n")
            return 1
    if chosen.verb == "dlq":
        return _dlq(chosen, service)
    os.nice(service.niceness)
    running = loops.Loops(service, KafkaBroker(service.settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    return running.run(("relay", "consume", "work") if chosen.verb == "background" else (chosen.verb,))


def _migrate(service: Service) -> int:
    """Schema first, then the inbox's partitions, then the topics; each step may be repeated."""
    from reviewbus import migrate  # noqa: PLC0415 -- no loop needs Alembic

    url = service.settings.migration_url or service.settings.database_url
    migrate.upgrade(service.migrations, url)
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
    with engine.begin() as connection:
        changed = inbox.maintain(connection, service.db.clock())
    engine.dispose()
    _log.info("migrated", inbox_partitions_changed=changed)
    if service.settings.kafka_bootstrap:
        try:
            created = KafkaBroker(service.settings).ensure_topics(list(service.catalogue.topics.values()))
        except BrokerDown as error:
            _log.error("topics_not_created", error=error)
            sys.stderr.write("the database is migrated, but Kafka did not answer: run migrate again for the topics\n")
            return 1
        _log.info("topics_ensured", created=len(created))
    return 0


def _check(service: Service) -> int:
    findings = service.sweep()
    for finding in findings:
        sys.stdout.write(json.dumps(finding, default=str) + "\n")
    return 1 if findings else 0


def _restored(service: Service) -> int:
    """Nobody is served until every row has been moved; the flag stays if this is interrupted, and a repeat goes on."""
    with service.db.begin() as tx:
        quarantine.begin(tx)
    moved = service.move_restored()
    with service.db.begin() as tx:
        quarantine.lift(tx)
    sys.stdout.write(json.dumps({"moved": moved}) + "\n")
    return 0


def _rebuild(service: Service) -> int:
    """Compare what was learnt with the same built anew: 0 when it is the same, 1 when not, 2 when it could not be done.

    Asked to end, the process ends in order, so that nothing of it is left.
    """
    if service.rebuild is None:
        sys.stderr.write(f"{service.settings.service} has nothing that could be built anew\n")
        return 2
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return 0 if service.rebuild(KafkaBroker(service.settings), sys.stdout) else 1
    except Unable as error:
        words = str(error)
    except BrokerDown as error:
        words = f"Kafka did not answer ({error}): start it, look at REVIEW_KAFKA_BOOTSTRAP, and run this again"
    except PeerUnavailable as error:
        words = f"another service did not answer ({error}): start it, look at REVIEW_PEERS, and run this again"
    except PeerRefused as error:
        words = f"another service refused ({error}): look at REVIEW_SERVICE_TOKEN_FILE, and run this again"
    except sa.exc.DBAPIError as error:
        if not is_transient(error):
            raise
        words = f"the database did not answer ({type(error.orig).__name__}): start it, and run this again"
    finally:
        signal.signal(signal.SIGTERM, before)
    sys.stderr.write(f"not compared: {words}\n")
    return 2


def _dlq(chosen: argparse.Namespace, service: Service) -> int:
    apply = service.applier().apply_one
    try:
        with service.db.begin() as tx:
            if chosen.act == "list":
                shown: Any = dead_letters.listing(tx)
            elif chosen.act == "show":
                shown = dead_letters.show(tx, chosen.id, out=chosen.out)
            elif chosen.out:
                act = dead_letters.replay_outgoing if chosen.act == "replay" else dead_letters.discard_outgoing
                act(tx, chosen.id, actor=chosen.actor)
                shown = {"done": chosen.act}
            else:
                settle = dead_letters.replay if chosen.act == "replay" else dead_letters.discard
                shown = {"done": chosen.act, "applied": settle(tx, chosen.id, apply, actor=chosen.actor)}
    except dead_letters.NoSuchLetter as error:
        sys.stderr.write(f"{error}: see `review-{service.settings.service} dlq list`\n")
        return 1
    for line in shown if isinstance(shown, list) else [shown]:
        sys.stdout.write(json.dumps(line, default=str) + "\n")
    return 0
