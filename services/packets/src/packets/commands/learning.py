"""What other services' facts, and what was fetched from them, do to packets. Late and repeated ones do nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packets import store
from packets.commands import selection
from packets.commands.keeping import QUESTIONNAIRE, keep, keep_many
from packets.domain import answers, holds, projection
from packets.domain import packet as packets
from packets.domain.ids import ContentHash, CycleId, PersonId, ReviewId
from packets.domain.packet import Holder, ReleaseMode
from reviewbus import jobs, telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from packets.domain.facts import Record
    from packets.domain.packet import Packet
    from packets.store import Library
    from reviewbus.db import Tx

_log = telemetry.logger("packets")


def opened(tx: Tx, said: Mapping[str, Any]) -> None:
    """A review began; one that is known here stays as it is. `said`: `review.opened`, or assessment's row of it."""
    questionnaire = (said["questionnaire_id"], said["questionnaire_version"])
    cycle = store.cycle(tx, said["cycle_id"])
    if cycle is None or not cycle.frozen:
        learn_cycle(tx, said["cycle_id"], questionnaire, version=0, frozen=True)
    packet = packets.opened(
        review_id=ReviewId(said["review_id"]),
        cycle_id=CycleId(said["cycle_id"]),
        subject_id=PersonId(said["subject_id"]),
        manager_id=PersonId(said["manager_id"]),
        release_mode=ReleaseMode(said["release_mode"]),
        calibration_required=said["calibration_required"],
        release_after_calibration=said["release_after_calibration"],
        version=said["version"],
    )
    store.add(tx, replace(packet, recall_window_minutes=said.get("recall_window_minutes", 0)))


def learn_cycle(
    tx: Tx,
    cycle_id: str,
    questionnaire: tuple[str, int],
    *,
    version: int,
    frozen: bool,
    closed: bool | None = None,
) -> None:
    """Keep what is said of a cycle, and have its questionnaire fetched; the shared questions follow it."""
    store.learn_cycle(tx, cycle_id, questionnaire, version=version, frozen=frozen, closed=closed)
    if not store.has_questionnaire(tx, questionnaire):
        want_questionnaire(tx, questionnaire)
    selection.follow(tx, cycle_id)


def want_questionnaire(tx: Tx, questionnaire: tuple[str, int]) -> None:
    """Have a questionnaire fetched."""
    arguments = {"id": questionnaire[0], "version": questionnaire[1]}
    jobs.enqueue(tx, QUESTIONNAIRE, f"{questionnaire[0]}:{questionnaire[1]}", arguments)


def told(tx: Tx, review_id: str, step: Callable[[Packet], tuple[Packet, tuple[Record, ...]]]) -> None:
    """Take one step of a packet that is known here; the sweep makes up for one that is not."""
    packet = store.load(tx, review_id)
    if packet is None:
        _log.warning("packet_unknown", review_id=review_id)
        return
    keep(tx, packet, *step(packet))


def submitted(tx: Tx, said: Mapping[str, Any]) -> None:
    """The manager-assessment was submitted, or revised after that."""

    def step(packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
        return projection.submitted(
            packet,
            version=said["version"],
            manager_version=said["manager_version"],
            content_hash=ContentHash(said["content_hash"]),
            sources=store.Library(tx).sources(packet),
        )

    told(tx, said["review_id"], step)


def reopened(tx: Tx, said: Mapping[str, Any]) -> None:
    """The manager-assessment is a draft again."""

    def step(packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
        sources = store.Library(tx).sources(packet)
        return projection.reopened(
            packet, version=said["version"], manager_version=said["manager_version"], sources=sources
        )

    told(tx, said["review_id"], step)


def reassigned(tx: Tx, said: Mapping[str, Any]) -> None:
    """Another person is the manager of record."""
    manager = PersonId(said["manager_id"])
    told(
        tx,
        said["review_id"],
        lambda packet: (projection.reassigned(packet, version=said["version"], manager_id=manager), ()),
    )


def closed(tx: Tx, said: Mapping[str, Any]) -> None:
    """The review's cycle is closed."""
    told(tx, said["review_id"], lambda packet: (projection.closed(packet, version=said["version"]), ()))


def cancelled(tx: Tx, said: Mapping[str, Any]) -> None:
    """The review is cancelled."""
    told(
        tx,
        said["review_id"],
        lambda packet: projection.cancelled(packet, version=said["version"], sources=store.Library(tx).sources(packet)),
    )


def content_fetched(tx: Tx, review_id: str, version: int, content_hash: str) -> None:
    """A version of the manager-assessment is in our database."""

    def step(packet: Packet) -> tuple[Packet, tuple[Record, ...]]:
        return projection.content_fetched(
            packet,
            manager_version=version,
            content_hash=ContentHash(content_hash),
            sources=store.Library(tx).sources(packet),
        )

    told(tx, review_id, step)


def hold_answered(tx: Tx, kind: str, said: Mapping[str, Any]) -> None:
    """One answer of a register; `kind`: granted, rejected, released, superseded."""
    told(tx, said["review_id"], lambda packet: _answer(store.Library(tx), packet, kind, said))


def holds_answered(
    tx: Tx,
    kind: str,
    answered: Sequence[Mapping[str, Any]],
    caused: Callable[[str], AbstractContextManager[None]],
) -> None:
    """The answers of as many reviews: the same as each of them alone, by few statements."""
    by_review = {said["review_id"]: said for said in answered}
    found = store.load_many(tx, by_review.keys())
    for review_id in sorted(by_review.keys() - found.keys()):
        _log.warning("packet_unknown", review_id=review_id)
    library = store.Library(tx)
    if kind != "granted":
        library.preload(found.values())
    steps = [(packet, *_answer(library, packet, kind, by_review[review_id])) for review_id, packet in found.items()]
    keep_many(tx, steps, caused=caused)


def _answer(library: Library, packet: Packet, kind: str, said: Mapping[str, Any]) -> tuple[Packet, tuple[Record, ...]]:
    holder, fence = Holder(said["holder"]), said["fence"]
    if holder is not Holder.RELEASE:
        return holds.hold_known(
            packet,
            holder=holder,
            fence=said.get("last_fence", fence),
            held=said["held"] if kind == "superseded" else kind == "granted",
            sources=library.sources(packet),
        )
    match kind:
        case "granted":
            return answers.granted(packet, fence=fence, self_version=said["self_version"])
        case "rejected":
            return answers.rejected(packet, fence=fence, reason=said["reason"], sources=library.sources(packet))
        case "released":
            return answers.released(packet, fence=fence, sources=library.sources(packet))
        case _:
            return _superseded(library, packet, fence, said["last_fence"])


def _superseded(library: Library, packet: Packet, fence: int, last_fence: int) -> tuple[Packet, tuple[Record, ...]]:
    after, records = answers.superseded(packet, fence=fence, last_fence=last_fence, sources=library.sources(packet))
    if after != packet:
        # Nobody who waits is answered so while fences are kept: a restore was not told of, or rows were lost.
        telemetry.INVARIANT_VIOLATIONS.labels(kind="superseded-while-waiting").inc()
        _log.error("superseded_while_waiting", review_id=packet.review_id, fence=fence, last_fence=last_fence)
    return after, records
