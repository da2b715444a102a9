"""In which cells of the tables a step was, and whether it led where the tables say."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from explore import tables
from explore.packets_side import Row
from explore.violation import Violation
from packets.domain.packet import PacketState
from signing.domain.record import Holder, HoldState, SigningRecord

if TYPE_CHECKING:
    from explore.bus import Message
    from explore.steps import Step
    from packets.domain.packet import Packet

# Table, state, input, result.
Met: TypeAlias = tuple[str, str, str, str]
TABLES = {"packets": tables.PACKETS, "signature": tables.SIGNATURES, "completion": tables.COMPLETION}
_PACKET_INPUTS = {
    "release": "release",
    "release-by-manager": "release",
    "release-by-successor": "release",
    "release-stale": "release of something else",
    "unrelease": "unrelease",
    "unrelease-revoking": "unrelease",
    "send": "send",
    "rate": "rating",
    "override": "rating",
    "packets-rebind": "selection",
    "packets-reconciler": "reconcile",
}
_SIGNING_INPUTS = {
    "sign-employee": ("sign", (Holder.SIGNATURE_EMPLOYEE,)),
    "sign-manager": ("sign", (Holder.SIGNATURE_MANAGER,)),
    "sign-successor": ("sign", (Holder.SIGNATURE_MANAGER,)),
    "complete": ("complete", (Holder.COMPLETION,)),
    "revoke": ("revoke", tuple(Holder)),
    "revoke-employee": ("revoke", (Holder.SIGNATURE_EMPLOYEE,)),
    "revoke-manager": ("revoke", (Holder.SIGNATURE_MANAGER,)),
    "lift": ("revoke", (Holder.COMPLETION,)),
    "signing-reconciler": ("reconcile", tuple(Holder)),
}
_ANSWERS = {
    "hold.granted.v1": "granted",
    "hold.rejected.v1": "rejected",
    "hold.released.v1": "released",
    "hold.superseded.v1": "superseded",
}
_LATE = {answer: f"late {answer}" for answer in _ANSWERS.values()}
_HOLDERS = tuple(Holder)
_BY_NAME = {holder.value: holder for holder in Holder}
_WAITING = frozenset({HoldState.PENDING, HoldState.REVOKING})
_NOTHING: tuple[None, tuple[Holder, ...]] = (None, ())
# What the tables were found to admit.
_ADMITTED: set[Met] = set()


def met(step: Step, before: object, after: object, message: Message | None) -> list[Met]:
    """The cells of a step; `after` is the refusal where it was refused.

    Raises:
        Violation: a table says otherwise.
    """
    if step.kind == "sweep":
        return []
    if isinstance(before, Row):
        found = _of_packets(step, before, after, message)
    elif isinstance(before, SigningRecord):
        found = _of_signing(step, before, after, message)
    else:
        return []
    for one in found:
        if one not in _ADMITTED:
            table, state, asked, result = one
            cell = TABLES[table].get((state, asked))
            if cell is None or not cell.admits(result):
                raise Violation("table", f"{table}: {asked} in {state} leads to {result}", step)
            _ADMITTED.add(one)
    return found


def _of_packets(step: Step, before: Row, after: object, message: Message | None) -> list[Met]:
    packet = before.packet
    asked = _PACKET_INPUTS.get(step.of) if message is None else _packet_input(packet, message)
    if asked is None:
        return []
    if isinstance(after, Row):
        again = asked == "superseded" and after.packet.state is packet.state
        stays = after.packet.state is packet.state and not again
        result = tables.STAYS if stays else after.packet.state._value_
    else:
        result = _code(after)
    return [("packets", packet.state._value_, asked, result)]


def _packet_input(packet: Packet, message: Message) -> str | None:
    answer = _ANSWERS.get(message.type)
    if answer is None:
        return "facts"
    said = message.said
    if said["holder"] != "release":
        return None
    if packet.state is PacketState.RELEASING:
        waited = 2 * packet.epoch
    elif packet.state is PacketState.UNRELEASING:
        waited = 2 * packet.epoch + 1
    else:
        return _LATE[answer]
    return answer if said["fence"] == waited else _LATE[answer]


def _of_signing(step: Step, before: SigningRecord, after: object, message: Message | None) -> list[Met]:
    asked, holders = _SIGNING_INPUTS.get(step.of, _NOTHING) if message is None else _signing_input(before, message)
    if asked is None:
        return []
    found: list[Met] = []
    for holder in holders:
        old = before.register(holder)
        if isinstance(after, SigningRecord):
            new = after.register(holder)
            again = new.fence != old.fence and asked in {"superseded", "rejected"}
            result = tables.STAYS if new.state is old.state and not again else new.state._value_
        elif len(holders) > 1 and old.state is not HoldState.NONE:
            continue
        else:
            result = _code(after)
        found.append(("completion" if holder is Holder.COMPLETION else "signature", old.state._value_, asked, result))
    return found


def _signing_input(record: SigningRecord, message: Message) -> tuple[str | None, tuple[Holder, ...]]:
    said = message.said
    if message.type == "packet.released.v1":
        return "packet released", _HOLDERS
    if message.type == "packet.unreleased.v1":
        return "unreleased with revoke" if said["revoke_signatures"] else "unreleased", _HOLDERS
    answer = _ANSWERS.get(message.type)
    holder = _BY_NAME.get(said["holder"]) if answer else None
    if answer is None or holder is None:
        return _NOTHING
    register = record.register(holder)
    waits = register.fence == said["fence"] and register.state in _WAITING
    return answer if waits else _LATE[answer], (holder,)


def _code(refusal: object) -> str:
    return str(getattr(refusal, "code", ""))
