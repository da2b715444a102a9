"""Packets' row of the review and what stands beside it, moved by the domain's functions as the service calls them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any
from typing import cast as typed

import packets.domain.packet as packet_domain
from explore import bus, cast
from explore.side import Command, Moved, Side
from packets import events
from packets.commands import learning, upkeep
from packets.domain import calibration, holds, projection, rating, readiness, release, selection, sweep, visibility
from packets.domain.ids import ContentHash, CycleId, PersonId, QuestionId, Rating, ReviewId, SessionId
from packets.domain.packet import Packet, ReleaseMode, preview_tag
from packets.domain.people import standing
from packets.domain.refusals import Refusal
from packets.domain.selection import Selection
from packets.domain.session import Session, SessionState
from packets.store.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from explore.bus import Message
    from packets.domain.facts import Record
    from packets.domain.people import Standing
    from packets.domain.readiness import Sources

# Sources that are asked for a hash know each text by the one version that the reference names.
_LIBRARIES = 100_000
_SHELVES = count()


@dataclass(frozen=True, slots=True)
class Shelf:
    """The selections of a cycle, newest last; `number` tells them from all others, so that they compare quickly."""

    number: int
    selections: tuple[Selection, ...] = field(compare=False)

    @property
    def newest(self) -> Selection:
        """The one that packets follow."""
        return self.selections[-1]

    def of(self, version: int) -> Selection:
        """The one of this version."""
        return next(each for each in self.selections if each.version == version)


@cache
def shelf(*selections: Selection) -> Shelf:
    """These selections, the same object each time."""
    return Shelf(next(_SHELVES), selections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The packet, the cycle's selections, whether packets have yet to follow it, and the session.

    The packet's own row version stays 1: besides the sweep, which is told apart (`written` there), nobody but
    notifications reads it, and states that differ in nothing else are one.
    """

    packet: Packet
    shelf: Shelf
    rebind_due: bool = False
    session: Session | None = None


def first_row(*, calibration_required: bool, manager_direct: bool, shared: str) -> Row:
    """The packet of a review that has just begun; `shared` names the questions that HR has selected."""
    packet = packet_domain.opened(
        review_id=ReviewId(cast.REVIEW_ID),
        cycle_id=CycleId(cast.CYCLE_ID),
        subject_id=PersonId(cast.EMPLOYEE),
        manager_id=PersonId(cast.MANAGER),
        release_mode=ReleaseMode.MANAGER_DIRECT if manager_direct else ReleaseMode.HR_GATED,
        calibration_required=calibration_required,
        release_after_calibration=False,
        version=1,
    )
    row = Row(packet=packet, shelf=shelf(Selection(cycle_id=CycleId(cast.CYCLE_ID))))
    chosen = _select(row, shared)[0] if cast.SELECTIONS[shared] else row
    return _rebind(chosen)[0]


def state_item(row: Row) -> dict[str, Any]:
    """The row as signing's sweep reads it."""
    packet = row.packet
    return {
        "review_id": packet.review_id,
        "cycle_id": packet.cycle_id,
        "subject_id": packet.subject_id,
        "manager_id": packet.manager_id,
        "state": packet.state.value,
        "epoch": packet.epoch,
        "snapshot_hash": packet.snapshot.hash if packet.snapshot else None,
        "manager_version": packet.manager_version,
        "revoked_epoch": packet.revoked_epoch or 0,
    }


def swept(row: Row, seen: Mapping[str, Any], *, written: bool) -> Moved[Row]:
    """Compare with assessment's row as it was seen; `written`: ours was written since it was read."""
    now = row.packet
    read = replace(now, row_version=now.row_version - 1) if written else now
    outcome = sweep.sweep(read, now, upkeep._row(seen), sources(row))
    return _kept(row, outcome.packet, outcome.records) if outcome.findings else (row, ())


def moved_after_restore(row: Row, seen: Mapping[str, Any]) -> Moved[Row]:
    """Move a restored row past what is in flight, and learn what assessment's row says."""
    jumped, first = _kept(row, *sweep.quarantine_jump(row.packet, register_fence=upkeep._release_fence(seen)))
    learnt, more = swept(jumped, seen, written=False)
    return learnt, (*first, *more)


def sources(row: Row) -> Sources:
    """What the service's library gives the domain to judge this packet."""
    return _library(row).sources(row.packet)


def _library(row: Row, fetched: tuple[int, str | None] | None = None) -> Library:
    """The service's library, its shelves filled beforehand; `fetched` is a version that came in just now."""
    packet = row.packet
    return _filled(row.shelf, packet.manager_version, (packet.fetched_version, packet.fetched_hash), fetched)


@lru_cache(maxsize=_LIBRARIES)
def _filled(
    here: Shelf, current: int, known: tuple[int | None, str | None], fetched: tuple[int, str | None] | None
) -> Library:
    contents: dict[int | None, str | None] = {current: None, known[0]: known[1]}
    if fetched is not None:
        contents[fetched[0]] = fetched[1]
    chosen: dict[tuple[str, int | None], Selection] = {(cast.CYCLE_ID, each.version): each for each in here.selections}
    return Library(
        typed("Any", None),
        _questionnaires={cast.QUESTIONNAIRE: cast.questionnaire()},
        _contents={
            (cast.REVIEW_ID, version): None if each is None else cast.content(cast.letter_of(each))
            for version, each in contents.items()
            if version is not None
        },
        _selections={**chosen, (cast.CYCLE_ID, None): here.newest},
        _cycles={cast.CYCLE_ID: cast.QUESTIONNAIRE},
    )


def _kept(row: Row, packet: Packet, records: Sequence[Record]) -> Moved[Row]:
    """Save, then emit."""
    if not records and (packet is row.packet or packet == row.packet):
        return row, ()
    saved = packet if packet.row_version == 1 else replace(packet, row_version=1)
    told = tuple(bus.published("packets", events.event(each, saved, 0)) for each in records)
    return (row if saved == row.packet else replace(row, packet=saved)), told


def _act(change: Callable[[Row, Packet], tuple[Packet, Sequence[Record]]]) -> Callable[[Row], Moved[Row]]:
    return lambda row: _kept(row, *change(row, row.packet))


def _as(person_id: str, packet: Packet) -> Standing:
    return standing(packet, cast.packets_actor(person_id), cast.packets_line(), calibrator=person_id == cast.HR)


def _release(person_id: str, seen: Callable[[Packet], str | None] = preview_tag) -> Callable[[Row], Moved[Row]]:
    """Somebody releases what was `seen`: the tag that a preview had."""
    return _act(lambda _, each: release.release(each, _as(person_id, each), previewed=seen(each), has_reason=True))


def _earlier_tag(packet: Packet) -> str | None:
    """The tag of a preview of the version before, which showed the same."""
    if packet.snapshot is None:
        return None
    ref = replace(packet.snapshot.ref, manager_version=packet.snapshot.ref.manager_version - 1)
    return preview_tag(replace(packet, snapshot=replace(packet.snapshot, ref=ref)))


def _unrelease(*, revoke_signatures: bool) -> Callable[[Row], Moved[Row]]:
    return _act(
        lambda _, each: release.unrelease(
            each, _as(cast.HR, each), revoke_signatures=revoke_signatures, has_reason=True
        )
    )


def _rate(row: Row, packet: Packet) -> tuple[Packet, Sequence[Record]]:
    value = Rating("2" if packet.rating == "5" else "5")
    return rating.change_rating(
        packet,
        _as(cast.HR, packet),
        rating=value,
        expected_version=packet.rating_version,
        has_reason=True,
        sources=sources(row),
    )


def _override(row: Row, packet: Packet) -> tuple[Packet, Sequence[Record]]:
    return rating.override_calibration(packet, _as(cast.HR, packet), has_reason=True, sources=sources(row))


def _select(row: Row, shared: str) -> Moved[Row]:
    """HR selects questions; a job lets the packets follow. The fact is told to nobody of ours."""
    newest = row.shelf.newest
    chosen, _ = selection.change(
        newest,
        actor=cast.packets_actor(cast.HR),
        expected_version=newest.version,
        question_ids=[QuestionId(each) for each in cast.SELECTIONS[shared]],
        shares_rating=True,
        questionnaire=cast.QUESTIONNAIRE,
        questions=cast.questionnaire().outline,
    )
    if chosen == newest:
        return row, ()
    return replace(row, shelf=shelf(*row.shelf.selections, chosen), rebind_due=True), ()


def _rebind(row: Row) -> Moved[Row]:
    """The job that lets packets follow the cycle's selection."""
    if not row.rebind_due:
        return row, ()
    return _kept(replace(row, rebind_due=False), *readiness.recompute(row.packet, sources(row)))


def _calibrate(
    step: Callable[..., tuple[Session, tuple[Packet, ...], tuple[Record, ...]]],
) -> Callable[[Row], Moved[Row]]:
    def act(row: Row) -> Moved[Row]:
        if row.session is None:
            return row, ()
        actor = cast.packets_actor(cast.HR)
        session, (packet,), records = step(
            row.session, (row.packet,), actor=actor, directory=cast.packets_line(), sources=sources(row)
        )
        return _kept(replace(row, session=session), packet, records)

    return act


def _confirm(row: Row) -> Moved[Row]:
    if row.session is None:
        return row, ()
    actor = cast.packets_actor(cast.HR)
    (packet,), records = calibration.confirm(
        row.session, (row.packet,), actor=actor, directory=cast.packets_line(), sources=sources(row)
    )
    return _kept(row, packet, records)


def _rate_in_session(row: Row) -> Moved[Row]:
    if row.session is None:
        return row, ()
    packet, records = calibration.rate(
        row.session,
        row.packet,
        rating=Rating("5" if row.packet.rating == "2" else "2"),
        actor=cast.packets_actor(cast.HR),
        directory=cast.packets_line(),
        expected_version=row.packet.rating_version,
        has_justification=True,
        sources=sources(row),
    )
    return _kept(row, packet, records)


def _answered(kind: str) -> Callable[[Row, Message], Moved[Row]]:
    return lambda row, message: _kept(row, *learning._answer(_library(row), row.packet, kind, message.said))


def _submitted(row: Row, message: Message) -> Moved[Row]:
    said = message.said
    step = projection.submitted(
        row.packet,
        version=said["version"],
        manager_version=said["manager_version"],
        content_hash=ContentHash(said["content_hash"]),
        sources=sources(row),
    )
    return _kept(row, *step)


def _reopened(row: Row, message: Message) -> Moved[Row]:
    said = message.said
    step = projection.reopened(
        row.packet, version=said["version"], manager_version=said["manager_version"], sources=sources(row)
    )
    return _kept(row, *step)


def _reassigned(row: Row, message: Message) -> Moved[Row]:
    said = message.said
    manager_id = PersonId(said["manager_id"])
    return _kept(row, projection.reassigned(row.packet, version=said["version"], manager_id=manager_id), ())


def _closed(row: Row, message: Message) -> Moved[Row]:
    return _kept(row, projection.closed(row.packet, version=message.said["version"]), ())


def _cancelled(row: Row, message: Message) -> Moved[Row]:
    return _kept(row, *projection.cancelled(row.packet, version=message.said["version"], sources=sources(row)))


def _fetched(row: Row, message: Message) -> Moved[Row]:
    version, content_hash = message.said["manager_version"], message.said["content_hash"]
    step = projection.content_fetched(
        row.packet,
        manager_version=version,
        content_hash=ContentHash(content_hash),
        sources=_library(row, (version, content_hash)).sources(row.packet),
    )
    return _kept(row, *step)


COMMANDS: tuple[Command[Row], ...] = (
    Command("release", "HR releases to the employee", _release(cast.HR), often=3),
    Command("release-by-manager", "the manager releases to the employee", _release(cast.MANAGER)),
    Command("release-by-successor", "the successor releases to the employee", _release(cast.SUCCESSOR)),
    Command("release-stale", "HR releases what an earlier preview showed", _release(cast.HR, _earlier_tag), often=1),
    Command(
        "send",
        "HR sends the packet to its manager",
        _act(lambda _, each: release.send_to_manager(each, _as(cast.HR, each))),
    ),
    Command("unrelease", "HR takes the packet back", _unrelease(revoke_signatures=False), often=3),
    Command("unrelease-revoking", "HR takes the packet back and revokes", _unrelease(revoke_signatures=True)),
    Command("read", "the employee reads", _act(lambda _, each: visibility.read(each, _as(cast.EMPLOYEE, each)))),
    Command("rate", "HR changes the calibrated rating", _act(_rate)),
    Command("override", "HR opens the calibration gate", _act(_override)),
    Command("select-growth", "HR shares the question about growth", lambda row: _select(row, "growth")),
    Command("select-goals", "HR shares the question about goals", lambda row: _select(row, "goals")),
    Command("select-nothing", "HR shares no question", lambda row: _select(row, "nothing")),
    Command("calibration-start", "the calibration session starts", _calibrate(calibration.start)),
    Command("calibration-rate", "a calibrator rates", _rate_in_session),
    Command("calibration-complete", "the calibration session is completed", _calibrate(calibration.complete)),
    Command("calibration-reopen", "the calibration session is reopened", _calibrate(calibration.reopen)),
    Command("calibration-cancel", "the calibration session is cancelled", _calibrate(calibration.cancel)),
    Command("calibration-confirm", "a stale calibration is confirmed", _confirm),
)
SIDE = Side(
    name="packets",
    commands=COMMANDS,
    handlers={
        "review.reassigned.v1": _reassigned,
        "review.closed.v1": _closed,
        "review.cancelled.v1": _cancelled,
        "manager-assessment.submitted.v1": _submitted,
        "manager-assessment.revised.v1": _submitted,
        "manager-assessment.reopened.v1": _reopened,
        "hold.granted.v1": _answered("granted"),
        "hold.rejected.v1": _answered("rejected"),
        "hold.released.v1": _answered("released"),
        "hold.superseded.v1": _answered("superseded"),
        bus.FETCHED: _fetched,
    },
    refusal=Refusal,
    ticks=(
        Command(
            "packets-reconciler", "packets' reconciler", lambda row: _kept(row, row.packet, holds.reconcile(row.packet))
        ),
        Command("packets-rebind", "packets follow the new selection", _rebind),
    ),
)


def with_session(row: Row) -> Row:
    """The row with a calibration session that waits to be started."""
    session = Session(
        id=SessionId(cast.SESSION_ID),
        cycle_id=CycleId(cast.CYCLE_ID),
        state=SessionState.PENDING,
        calibrators=frozenset({PersonId(cast.HR)}),
        review_ids=frozenset({ReviewId(cast.REVIEW_ID)}),
    )
    return replace(row, session=session, packet=replace(row.packet, session_id=session.id))
