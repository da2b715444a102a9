"""The state tables of packets and of signing: to what each input leads in each state.

Written from the protocol. An input that leads elsewhere is a violation; one that never led where it is to lead was not
explored. The word for a refusal is its code; `stays` is a step that leaves the state and was not refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

STAYS = "stays"
# A cancelled review, a closed cycle and a stranger are refused in every state.
EVERYWHERE = frozenset({"review-cancelled", "cancelled", "cycle-closed", "not-found", "not-a-signer"})


@dataclass(frozen=True, slots=True)
class Cell:
    """Where an input leads: each of `must` is to be met, those of `may` need not be."""

    must: frozenset[str]
    may: frozenset[str]

    def admits(self, result: str) -> bool:
        """Whether the input may lead there."""
        return result in self.must or result in self.may or result in EVERYWHERE


Table: TypeAlias = "dict[tuple[str, str], Cell]"


def cell(must: str, may: str = "") -> Cell:
    """A cell of these words."""
    return Cell(frozenset(must.split()), frozenset(may.split()))


def row(inputs: str, cells: dict[str, Cell]) -> Table:
    """One or more inputs (parted by commas) and where they lead, by state."""
    return {(state, each.strip()): led for each in inputs.split(",") for state, led in cells.items()}


PACKET_STATES = ("none", "ready", "with_manager", "releasing", "released", "unreleasing")
_UNREADY = "manager-assessment-not-submitted not-calibrated not-ready no-shared-questions"
_IGNORED = dict.fromkeys(PACKET_STATES, cell(STAYS))
# An answer is one to the fence that is waited for; `late …` are those to any other.
PACKETS: Table = {
    **row("late granted, late rejected, late released, late superseded, reconcile", _IGNORED),
    **row(
        "release",
        {
            "none": cell(_UNREADY),
            "ready": cell("releasing", "not-ready"),
            "with_manager": cell("releasing", "not-ready"),
            "releasing": cell("release-in-progress"),
            "released": cell(STAYS),
            "unreleasing": cell("unrelease-in-progress"),
        },
    ),
    **row(
        "release of something else",
        {
            "none": cell(_UNREADY),
            "ready": cell("packet-changed", "not-ready"),
            "with_manager": cell("packet-changed", "not-ready"),
            "releasing": cell("release-in-progress"),
            "released": cell(STAYS),
            "unreleasing": cell("unrelease-in-progress"),
        },
    ),
    **row("granted", {"releasing": cell("released")}),
    **row("rejected", {"releasing": cell("ready with_manager none")}),
    **row(
        "unrelease",
        {
            "none": cell("not-released"),
            "ready": cell("not-released"),
            "with_manager": cell("ready manager-direct"),
            "releasing": cell("unreleasing", "signatures-present"),
            "released": cell("unreleasing signatures-present"),
            "unreleasing": cell(STAYS),
        },
    ),
    **row("released", {"unreleasing": cell("ready with_manager none")}),
    **row(
        "rating",
        {
            "none": cell(STAYS, f"ready with_manager locked-signed nothing-to-override {_UNREADY}"),
            "ready": cell(STAYS, "none with_manager locked-signed nothing-to-override not-calibrated"),
            "with_manager": cell(STAYS, "none locked-signed nothing-to-override not-calibrated"),
            "releasing": cell("release-in-progress", "locked-signed"),
            "released": cell("locked-released", "locked-signed"),
            "unreleasing": cell("unrelease-in-progress", "locked-signed"),
        },
    ),
    **row(
        "selection",
        {
            "none": cell(f"{STAYS} ready", "with_manager"),
            "ready": cell(f"{STAYS} none", "with_manager"),
            "with_manager": cell(f"{STAYS} none"),
            "releasing": cell(STAYS),
            "released": cell(STAYS),
            "unreleasing": cell(STAYS),
        },
    ),
    **row(
        "send",
        {
            "none": cell(_UNREADY, "manager-direct"),
            "ready": cell("with_manager", "not-ready"),
            "with_manager": cell(f"{STAYS} manager-direct"),
            "releasing": cell("release-in-progress", "manager-direct"),
            "released": cell("locked-released", "manager-direct"),
            "unreleasing": cell("unrelease-in-progress", "manager-direct"),
        },
    ),
    **row(
        "superseded", {"releasing": cell("releasing"), "unreleasing": cell("ready unreleasing", "none with_manager")}
    ),
    **row(
        "facts",
        {
            "none": cell(f"{STAYS} ready with_manager"),
            "ready": cell(f"{STAYS} none"),
            "with_manager": cell(f"{STAYS} none"),
            "releasing": cell(STAYS),
            "released": cell(STAYS),
            "unreleasing": cell(STAYS),
        },
    ),
}

HOLD_STATES = ("none", "pending", "signed", "revoking", "lost")
_CLOSED = "not-released self-assessment-not-shared completed revocation-in-progress signature-lost"
_KEPT = dict.fromkeys(HOLD_STATES, cell(STAYS))
# Of a register of signing; the completion passes through the same states.
_ANSWERS: Table = {
    **row("late granted, late rejected, late released, late superseded, reconcile, unreleased", _KEPT),
    **row("granted", {"pending": cell("signed")}),
    **row("rejected", {"pending": cell("none")}),
    **row("released", {"revoking": cell("none")}),
    **row("superseded", {"pending": cell("pending"), "revoking": cell("revoking")}),
    **row(
        "revoke",
        {
            "none": cell(f"{STAYS} nothing-to-revoke"),
            "pending": cell("revoking"),
            "signed": cell("revoking"),
            "revoking": cell(STAYS),
            "lost": cell("revoking"),
        },
    ),
    **row(
        "unreleased with revoke",
        {
            "none": cell(STAYS),
            "pending": cell("revoking", STAYS),
            "signed": cell("revoking", STAYS),
            "revoking": cell(STAYS),
            "lost": cell("revoking", STAYS),
        },
    ),
}
SIGNATURES: Table = {
    **_ANSWERS,
    **row("packet released", _KEPT),
    **row(
        "sign",
        {
            "none": cell("pending not-released self-assessment-not-shared completed revocation-in-progress", _CLOSED),
            "pending": cell(STAYS, "signature-in-progress"),
            "signed": cell(STAYS, "already-signed"),
            "revoking": cell("revocation-in-progress", _CLOSED),
            "lost": cell("signature-lost", _CLOSED),
        },
    ),
}
COMPLETION: Table = {
    **_ANSWERS,
    # What was lifted starts again at once where every signer has signed meanwhile.
    **row("released", {"revoking": cell("none", "pending")}),
    # HR asked for it before; the signatures that were made meanwhile ask once more.
    **row("rejected", {"pending": cell("none", "pending")}),
    **row("packet released", {**_KEPT, "none": cell(f"{STAYS} pending")}),
    **row(
        "complete",
        {
            "none": cell("pending not-released"),
            "pending": cell(STAYS),
            "signed": cell(STAYS),
            "revoking": cell("revocation-in-progress"),
            "lost": cell("signature-lost", "not-released"),
        },
    ),
}
