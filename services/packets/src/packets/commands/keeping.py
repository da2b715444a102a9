"""What every command ends with: save the packet, emit its records, and queue the work that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packets import events, store
from packets.domain.history import entries
from packets.domain.operation import DECIDED_ANEW
from packets.domain.packet import Packet, PacketState
from packets.domain.projection import wants_content
from packets.domain.refusals import NotFound
from packets.domain.release import decided_anew, taken_back
from reviewbus import jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from packets.domain.facts import Record
    from packets.domain.history import Act
    from packets.store import Saved
    from reviewbus.db import Tx

# What the commands queue, and the worker does.
CONTENT, QUESTIONNAIRE, PEOPLE, REBIND = "content", "questionnaire", "people", "rebind"
# That somebody waits for, and that nobody asked for yet.
PDF, PDF_AHEAD = "pdf", "pdf-ahead"
_READ_SOON = frozenset({PacketState.WITH_MANAGER, PacketState.RELEASED})


def locked(tx: Tx, review_id: str) -> Packet:
    """The packet, its row locked. Refuses `not-found`."""
    packet = store.load(tx, review_id)
    if packet is None:
        raise NotFound
    return packet


def known(tx: Tx, review_id: str) -> Packet:
    """The packet as it is committed. Refuses `not-found`."""
    packet = store.read(tx, review_id)
    if packet is None:
        raise NotFound
    return packet


def keep(tx: Tx, old: Packet, new: Packet, records: Sequence[Record], *, act: Act | None = None) -> Packet:
    """Write a locked packet after one step, with the step's records; return it as it stands in its row.

    `act` is what a person did to bring the step about, for the packet's history.
    """
    saved = store.save(tx, store.Change(old=old, new=new, records=len(records)))
    store.note_history(tx, {new.review_id: entries(saved.packet, records, first=saved.sequence, act=act)})
    _emit(tx, saved, records)
    _follow_up(tx, [(old, saved.packet)], act)
    return saved.packet


def keep_many(
    tx: Tx,
    steps: Sequence[tuple[Packet, Packet, Sequence[Record]]],
    *,
    caused: Callable[[str], AbstractContextManager[None]] | None = None,
    act: Act | None = None,
) -> None:
    """The same for many packets, by few statements; `caused` says for a review what its records were caused by."""
    changed = [(old, new, records) for old, new, records in steps if old != new or records]
    saved = store.save_many(tx, [store.Change(old=old, new=new, records=len(records)) for old, new, records in changed])
    told = [(each, records) for (_, _, records), each in zip(changed, saved, strict=True)]
    store.note_history(
        tx, {each.packet.review_id: entries(each.packet, said, first=each.sequence, act=act) for each, said in told}
    )
    for (old, _, records), each in zip(changed, saved, strict=True):
        if caused is None:
            _emit(tx, each, records)
        else:
            with caused(old.review_id):
                _emit(tx, each, records)
    _follow_up(tx, [(old, each.packet) for (old, _, _), each in zip(changed, saved, strict=True)], act)


def fetch_contents(tx: Tx, packets: Iterable[Packet]) -> None:
    """Have the submitted versions of these packets fetched."""
    wanted: dict[str, dict[str, Any]] = {}
    for packet in packets:
        wanted |= _content(packet)
    jobs.enqueue_many(tx, CONTENT, wanted)


def fetch_names(tx: Tx, review_ids: Iterable[str]) -> None:
    """Have the names of these packets' people fetched."""
    jobs.enqueue_many(tx, PEOPLE, {each: {"review_id": each} for each in review_ids})


def _content(packet: Packet) -> dict[str, dict[str, Any]]:
    arguments = {"review_id": packet.review_id, "version": packet.manager_version}
    return {f"{packet.review_id}:{packet.manager_version}": arguments}


def _emit(tx: Tx, saved: Saved, records: Iterable[Record]) -> None:
    for number, record in enumerate(records):
        tx.emit(events.event(record, saved.packet, saved.sequence + number))


def _follow_up(tx: Tx, steps: Sequence[tuple[Packet, Packet]], act: Act | None) -> None:
    fetch: dict[str, dict[str, Any]] = {}
    name: list[str] = []
    draw: dict[str, dict[str, Any]] = {}
    for old, new in steps:
        wanted = (new.manager_version, new.content_hash)
        if wants_content(new) and not (wants_content(old) and wanted == (old.manager_version, old.content_hash)):
            fetch |= _content(new)
        shown = store.shown_by(new)
        if shown is not None and shown != store.shown_by(old):
            name.append(new.review_id)
        if new.state in _READ_SOON and (shown, new.state) != (store.shown_by(old), old.state):
            draw[new.review_id] = {"review_id": new.review_id}
    store.leave_scheduled(tx, [new.review_id for old, new in steps if decided_anew(old, new)], DECIDED_ANEW)
    taken = [new.review_id for old, new in steps if taken_back(old, new)]
    store.leave_running(tx, taken, DECIDED_ANEW, until=act.operation_id if act else None)
    jobs.enqueue_many(tx, CONTENT, fetch)
    fetch_names(tx, name)
    jobs.enqueue_many(tx, PDF_AHEAD, draw)
