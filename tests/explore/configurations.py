"""What is explored: where a world begins, and how often people and faults may act in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explore import assessment_side, packets_side, signing_side
from explore.machine import SIDES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signing.domain.record import SigningRecord

SUBMITTED = ("edit", "write-self", "share", "submit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`budgets`: how often each command and fault may happen, at most 15 times; what is not named does not happen.

    `states`: about how many there are, where it is explored whole.
    """

    name: str
    states: int = 0
    budgets: Mapping[str, int]
    setup: tuple[str, ...] = SUBMITTED
    shared: str = "goals"
    calibration_required: bool = False
    manager_direct: bool = False
    hidden_self: bool = False
    sweeps: bool = False

    def first_rows(self) -> tuple[assessment_side.Row, packets_side.Row, SigningRecord]:
        """The rows of a review that has just begun."""
        packet = packets_side.first_row(
            calibration_required=self.calibration_required, manager_direct=self.manager_direct, shared=self.shared
        )
        return (
            assessment_side.first_row(
                calibration_required=self.calibration_required,
                manager_direct=self.manager_direct,
                hidden_self=self.hidden_self,
            ),
            packets_side.with_session(packet) if self.calibration_required else packet,
            signing_side.first_row(),
        )


EXHAUSTIVE: tuple[Configuration, ...] = (
    Configuration(
        name="release",
        states=1114115,
        budgets={"release": 2, "unrelease": 1, "unrelease-revoking": 1, "edit": 1, "sign-employee": 1},
    ),
    Configuration(
        name="other-snapshot",
        states=28076,
        budgets={"release": 2, "unrelease": 1, "select-growth": 1, "sign-employee": 1, "revoke-employee": 1},
    ),
    Configuration(
        name="manager",
        states=18879,
        budgets={
            "send": 2,
            "release-by-manager": 1,
            "release-by-successor": 1,
            "reassign": 1,
            "edit": 1,
            "unrelease": 1,
        },
    ),
    Configuration(
        name="texts",
        states=779539,
        budgets={"release": 2, "unrelease": 1, "reopen": 1, "submit": 1, "edit": 1, "edit-by-hr": 1},
    ),
    Configuration(
        name="self",
        states=303608,
        budgets={
            "release": 1,
            "unshare": 1,
            "write-self": 1,
            "share": 1,
            "waive": 1,
            "unwaive": 1,
            "sign-employee": 2,
            "revoke": 1,
        },
    ),
    Configuration(
        name="signers",
        states=146898,
        budgets={"release": 1, "sign-employee": 1, "sign-manager": 1, "complete": 1, "lift": 1, "revoke-employee": 1},
    ),
    Configuration(
        name="completion",
        states=1105298,
        budgets={"release": 1, "sign-employee": 1, "sign-manager": 1, "complete": 1, "unrelease-revoking": 1},
    ),
    Configuration(
        name="calibrated",
        states=30088,
        calibration_required=True,
        budgets={
            "calibration-start": 1,
            "calibration-rate": 1,
            "calibration-complete": 1,
            "calibration-confirm": 1,
            "rate": 1,
            "override": 1,
            "release": 2,
            "unrelease": 1,
            "edit": 1,
        },
    ),
    Configuration(
        name="direct",
        states=46957,
        manager_direct=True,
        setup=("edit", "write-self", "share"),
        budgets={"submit": 1, "release-by-manager": 2, "unrelease": 2, "send": 1, "edit": 1},
    ),
    Configuration(
        name="ended",
        states=67351,
        budgets={"release": 1, "send": 1, "unrelease": 1, "sign-employee": 1, "cancel": 1, "close": 1, "revoke": 1},
    ),
    Configuration(
        name="forgetting",
        states=175380,
        sweeps=True,
        budgets={
            "release": 1,
            "unrelease-revoking": 1,
            "sign-employee": 1,
            "forget-holds": 1,
            "forget-assessment": 1,
            "forget-packets": 1,
        },
    ),
    Configuration(
        name="packets-restored",
        states=86721,
        sweeps=True,
        budgets={"release": 1, "unrelease": 1, "edit": 1, "back-up-packets": 1, "restore-packets": 1},
    ),
    Configuration(
        name="packets-restored-signed",
        states=4782,
        sweeps=True,
        budgets={"release": 2, "sign-employee": 1, "back-up-packets": 1, "restore-packets": 1},
    ),
    Configuration(
        name="signing-restored",
        states=19823,
        sweeps=True,
        budgets={"release": 1, "sign-employee": 2, "revoke": 1, "back-up-signing": 1, "restore-signing": 1},
    ),
    Configuration(
        name="signing-restored-early",
        states=65_573,
        sweeps=True,
        budgets={"release": 1, "sign-employee": 2, "revoke": 1, "back-up-signing": 1, "restore-signing-early": 1},
    ),
    Configuration(
        name="completion-lost",
        states=327163,
        sweeps=True,
        budgets={"release": 2, "unrelease": 1, "complete": 2, "back-up-signing": 1, "restore-signing": 1},
    ),
    Configuration(
        name="completion-lost-lifted",
        states=20021,
        sweeps=True,
        budgets={"release": 1, "complete": 2, "lift": 1, "back-up-signing": 1, "restore-signing": 1},
    ),
    Configuration(
        name="completion-lost-revoked",
        states=57711,
        sweeps=True,
        budgets={"release": 1, "complete": 1, "unrelease-revoking": 1, "back-up-signing": 1, "restore-signing": 1},
    ),
    Configuration(
        name="signature-lost",
        states=326443,
        sweeps=True,
        budgets={
            "release": 2,
            "unrelease": 1,
            "sign-employee": 2,
            "back-up-signing": 1,
            "restore-signing": 1,
        },
    ),
    Configuration(
        name="assessment-restored",
        states=75682,
        sweeps=True,
        budgets={"release": 1, "unrelease": 1, "edit": 1, "back-up-assessment": 1, "restore-assessment": 1},
    ),
    Configuration(
        name="assessment-restored-signed",
        states=401704,
        sweeps=True,
        budgets={
            "release": 1,
            "sign-employee": 1,
            "unrelease-revoking": 1,
            "back-up-assessment": 1,
            "restore-assessment": 1,
        },
    ),
    Configuration(
        name="late-sweep",
        states=59683,
        sweeps=True,
        budgets={"release": 1, "unrelease": 1, "sign-employee": 1, "packets-read": 1, "signing-read": 1},
    ),
)
_EVERYBODY = {each.name: each.often for side in SIDES for each in side.commands}
# Where nothing is calibrated there is no session that could do anything.
_UNCALIBRATED = {name: often for name, often in _EVERYBODY.items() if not name.startswith("calibration-")}
_RELEASE = {"release": 3, "release-by-manager": 2, "send": 3, "unrelease": 3, "unrelease-revoking": 2, "read": 1}
_SIGN = {"sign-employee": 3, "sign-manager": 3, "complete": 2}
_REVOKE = {"revoke": 1, "revoke-employee": 2, "revoke-manager": 1, "lift": 1}
_SELF = {"unshare": 2, "write-self": 2, "share": 2, "waive": 1, "unwaive": 1}
_PEOPLE = {"reassign": 1, "reassign-back": 1, "release-by-successor": 2, "sign-successor": 1}
_FAULTS = {
    "forget-holds": 2,
    "forget-assessment": 2,
    "forget-packets": 2,
    "back-up-packets": 1,
    "restore-packets": 1,
    "back-up-signing": 1,
    "restore-signing": 1,
    "packets-read": 3,
    "signing-read": 3,
}
WALKS: tuple[Configuration, ...] = (
    Configuration(name="all-calibrated", calibration_required=True, budgets=_EVERYBODY),
    Configuration(name="all-people", setup=(), budgets=_UNCALIBRATED),
    Configuration(name="all-direct", manager_direct=True, hidden_self=True, setup=("edit",), budgets=_UNCALIBRATED),
    Configuration(name="all-faults", sweeps=True, budgets=_UNCALIBRATED | _FAULTS),
    Configuration(name="signatures", budgets=_RELEASE | _SIGN | _REVOKE | {"edit": 1, "select-growth": 1}),
    Configuration(name="two-managers", budgets=_RELEASE | _PEOPLE | {"edit": 2, "sign-manager": 2, "sign-employee": 1}),
    Configuration(
        name="other-selection",
        budgets={"release": 2, "unrelease": 1, "select-growth": 1, "sign-employee": 1, "revoke-employee": 1},
    ),
    Configuration(name="self-side", budgets=_RELEASE | _SIGN | _REVOKE | _SELF),
    Configuration(
        name="restored-signed",
        sweeps=True,
        budgets={
            "release": 2,
            "sign-employee": 1,
            "unrelease-revoking": 1,
            "back-up-assessment": 1,
            "restore-assessment": 1,
        },
    ),
    Configuration(
        name="restored",
        sweeps=True,
        budgets=_RELEASE
        | _SIGN
        | _REVOKE
        | {"edit": 2, "reopen": 1, "submit": 1, "reassign": 1, "back-up-assessment": 2, "restore-assessment": 2},
    ),
    Configuration(name="faults", sweeps=True, budgets=_RELEASE | _SIGN | _REVOKE | _FAULTS | {"edit": 2}),
)
