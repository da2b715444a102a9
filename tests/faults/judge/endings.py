"""E1 to E3, and what else must not be left over once all is quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.judge.history import History

    Found = Iterator[tuple[str, str, str]]

ON_THE_WAY = {"pending", "revoking", "completing", "lost"}
SERVICES = ("assessment", "packets", "signing", "notifications")


def nothing_is_locked_in_vain(history: History) -> Found:
    """E1: a register that is held belongs to what is released, signed or completed."""
    for review, hold in history.holds.items():
        packet, record = history.packets.get(review), history.signatures.get(review)
        if hold["release_held"] and (packet is None or packet["state"] not in {"released", "unreleasing", "releasing"}):
            yield "E1", review, f"locked, and the packet is {packet['state'] if packet else 'unknown'}"
        for name in ("employee", "manager"):
            if hold[f"signature_{name}_held"] and (record is None or record[f"{name}_state"] in {"none", "closed"}):
                yield "E1", review, f"the {name}'s register is held, and nothing is signed"
        if hold["completion_held"] and (record is None or record["completion_state"] == "none"):
            yield "E1", review, "the completion's register is held, and nothing is completed"


def no_release_hangs(history: History) -> Found:
    """E2: nothing is still releasing or unreleasing."""
    for review, packet in history.packets.items():
        if packet["state"] in {"releasing", "unreleasing"}:
            yield "E2", review, f"the packet hangs in {packet['state']}"


def no_signature_hangs(history: History) -> Found:
    """E3: nothing is pending, revoking or lost."""
    for review, record in history.signatures.items():
        for name in ("employee", "manager", "completion"):
            if record[f"{name}_state"] in ON_THE_WAY:
                yield "E3", review, f"the {name}'s register hangs in {record[f'{name}_state']}"
        if record["completion_state"] == "signed" and not history.holds[review]["completion_held"]:
            yield "E3", review, "completed, and its register is not held"


def nothing_was_put_aside(history: History) -> Found:
    """No dead letters, in or out, no job given up; and nothing that still waits to be sent."""
    for service in SERVICES:
        given_up = [one for one in history.table(service, "jobs") if one["status"] == "dead"]
        left = {
            "dead letters": history.table(service, "dead_letter"),
            "outgoing dead letters": history.table(service, "outbox_dead"),
            "jobs given up": given_up,
        }
        for what, rows in left.items():
            if rows:
                yield "aside", "", f"{len(rows)} {what} of {service}: {str(rows[0])[:300]}"


def all_is_quiet_in_time(history: History) -> Found:
    """Everything was at rest soon after the last fault."""
    took, most = history.run["settled_s"], history.run["settle_s_max"]
    if took is None or took > most:
        words = "was never at rest" if took is None else f"was at rest after {took:.0f} s"
        yield "quiet", "", f"the system {words}; {most:.0f} s are allowed"
    for service in SERVICES:
        if rows := history.table(service, "outbox"):
            yield "quiet", "", f"{len(rows)} records of {service} were never sent"


CHECKS = (
    nothing_is_locked_in_vain,
    no_release_hangs,
    no_signature_hangs,
    nothing_was_put_aside,
    all_is_quiet_in_time,
)
