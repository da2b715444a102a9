"""In which cells of the tables a step was, and whether it led where the tables say."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from explore import tables
from explore.packets_side import Row
from explore.violation import Violation
from packets.domain.packet import PacketState
from signing.domain.record import Holder, HoldState, SigningRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def met(step: Step, before: object, after: object, message: Message | None) -> Iterator[Met]:
    """The cells of a step; `after` is the refusal where it was refused.

    Raises:
        Violation: a table says otherwise.
    """
    if step.kind == "sweep":
        return
    if isinstance(before, Row):
        found = _of_packets(step, before, after, message)
    elif isinstance(before, SigningRecord):
        found = _of_signing(step, before, after, message)
    else:
        return
    for one in found:
        table, state, asked, result = one
        cell = TABLES[table].get((state, asked))
        if cell is None or not cell.admits(result):
            raise Violation("table", f"{table}: {asked} in {state} leads to {result}", step)
        yield one


def _of_packets(step: Step, before: Row, after: object, message: Message | None) -> Iterator[Met]:
    packet = before.packet
    asked = _PACKET_INPUTS.get(step.of) if message is None else _packet_input(packet, message)
    if asked is None:
        return
    result = _code(after)
    if isinstance(after, Row):
        result = tables.STAYS if after.packet.state is packet.state else after.packet.state.value
        if (asked, result, packet.state) == ("superseded", tables.STAYS, after.packet.state):
            result = packet.state.value
    yield "packets", packet.state.value, asked, result


def _packet_input(packet: Packet, message: Message) -> str | None:
    answer = _ANSWERS.get(message.type)
    if answer is None:
        return "facts"
    said = message.said
    if said["holder"] != "release":
        return None
    waited = {PacketState.RELEASING: 2 * packet.epoch, PacketState.UNRELEASING: 2 * packet.epoch + 1}.get(packet.state)
    return answer if said["fence"] == waited else f"late {answer}"


def _of_signing(step: Step, before: SigningRecord, after: object, message: Message | None) -> Iterator[Met]:
    asked, holders = _SIGNING_INPUTS.get(step.of, (None, ())) if message is None else _signing_input(before, message)
    if asked is None:
        return
    for holder in holders:
        old = before.register(holder)
        result = _code(after)
        if isinstance(after, SigningRecord):
            new = after.register(holder)
            again = asked in {"superseded", "rejected"} and new.fence != old.fence
            result = tables.STAYS if new.state is old.state and not again else new.state.value
        elif len(holders) > 1 and old.state is not HoldState.NONE:
            continue
        table = "completion" if holder is Holder.COMPLETION else "signature"
        yield table, old.state.value, asked, result


def _signing_input(record: SigningRecord, message: Message) -> tuple[str | None, tuple[Holder, ...]]:
    said = message.said
    if message.type == "packet.released.v1":
        return "packet released", tuple(Holder)
    if message.type == "packet.unreleased.v1":
        return "unreleased with revoke" if said["revoke_signatures"] else "unreleased", tuple(Holder)
    answer = _ANSWERS.get(message.type)
    if answer is None or said["holder"] == "release":
        return None, ()
    holder = Holder(said["holder"])
    register = record.register(holder)
    waits = register.state in {HoldState.PENDING, HoldState.REVOKING} and register.fence == said["fence"]
    return answer if waits else f"late {answer}", (holder,)


def _code(refusal: object) -> str:
    return str(getattr(refusal, "code", ""))
