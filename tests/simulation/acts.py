"""Every command of the product, one entry each: who gives it rightly, when it makes sense, and what it says.

A new command joins the simulation by an entry here; a test holds the entries against the services' own documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.clients import OWNERS
from harness.people import HELEN, HUGO, KAI
from simulation import writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.scene import Scene


def _always(_: Scene) -> bool:
    return True


def _nothing(_: Scene) -> Any:
    return {}


def _no_version(_: Scene) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One command: its operation as the services' documents name it, and how one of its kind is made.

    `by`: parts that may give it in some state; `fits`: whether it makes sense now; `version`: what `If-Match` names;
    `sessions`, `operations`: the states of a calibration session, or of a command for many packets, that it is about.
    """

    operation: str
    by: tuple[str, ...]
    fits: Callable[[Scene], bool] = _always
    body: Callable[[Scene], Any] = _nothing
    version: Callable[[Scene], str | None] = _no_version
    weight: float = 1.0
    sessions: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    def makes_sense(self, scene: Scene) -> bool:
        """Whether who knows everything would do this now."""
        if self.sessions and scene.session(*self.sessions) is None:
            return False
        if self.operations and scene.operation(*self.operations, of=self.service) is None:
            return False
        return self.fits(scene)

    @property
    def service(self) -> str:
        """The service that takes it."""
        return OWNERS[self.operation.split("/")[2]]

    @property
    def name(self) -> str:
        """The act in a word or three."""
        method, path = self.operation.split(" ", 1)
        parts = [part for part in path.split("/")[2:] if not part.startswith("{")]
        return f"{method.lower()} {' '.join(parts)}"


# -- when it makes sense -----------------------------------------------------------------------------------------------


def _another_cycle(s: Scene) -> bool:
    return bool(s.known.cycles)


def _self_editable(s: Scene) -> bool:
    return s.open and s.review["self_state"] in {"none", "draft"} and not s.signed


def _manager_writes(s: Scene) -> bool:
    return s.open and not s.locked


def _may_release(s: Scene) -> bool:
    return s.open and s.packet_state in {"ready", "with_manager"}


def _may_sign(s: Scene) -> bool:
    may = s.packet_state == "released" and s.review["self_state"] in {"shared", "waived"}
    return may and "none" in {s.record.get("employee_state"), s.record.get("manager_state")}


def _something_signed(s: Scene) -> bool:
    names = ("employee", "manager", "completion")
    return any(s.record.get(f"{name}_state") in {"signed", "pending", "lost"} for name in names)


def _in(*states: str) -> Callable[[Scene], bool]:
    return lambda s: s.open and s.packet_state in states


def _calibration_in(*states: str) -> Callable[[Scene], bool]:
    return lambda s: s.open and s.packet.get("calibration") in states


def _rated_in_session(s: Scene) -> bool:
    return s.packet.get("calibration") == "in_session" and s.packet["rating"] is not None


def _tag(s: Scene) -> str | None:
    row = s.packet
    if row.get("snapshot_hash") is None:
        return s.version("packet", None)
    numbers = (row[f"snapshot_{one}_version"] for one in ("manager", "selection", "rating"))
    return s.version("packet", ".".join((row["snapshot_hash"], *map(str, numbers))))


def _newest_selection(s: Scene) -> str | None:
    rows = [row for row in s.sight.packet_rows.values() if row["cycle_id"] == s.known.cycle_id]
    return s.version("selection", max((row["selection_version"] for row in rows), default=0))


def _newest_session(s: Scene) -> str | None:
    row = s.sight.packets["sessions"].get(s.packet.get("session_id"), {})
    return s.version("session", row.get("row_version"))


def _newest_cycle(s: Scene) -> str | None:
    cycles = s.sight.assessment["cycles"]
    return s.version("cycle", max((cycles[one]["row_version"] for one in s.known.cycles if one in cycles), default=1))


_SELF = "/v1/reviews/{review_id}/self-assessment"
_MANAGER = "/v1/reviews/{review_id}/manager-assessment"
_PACKET = "/v1/packets/{review_id}"
_CALIBRATION = "/v1/calibrations/{session_id}"
_SIGNATURE = "/v1/signatures/{review_id}"

ACTS: tuple[Act, ...] = (
    # assessment
    Act(operation="POST /v1/people/import", by=("hr",), body=writing.people, weight=0.15),
    Act(operation="POST /v1/questionnaires", by=("hr", "assistant"), body=writing.questionnaire, weight=0.15),
    Act(
        operation="PUT /v1/questionnaires/{questionnaire_id}",
        by=("hr", "assistant"),
        body=writing.questionnaire,
        version=lambda s: s.version("questionnaire", 1),
        fits=lambda s: bool(s.known.questionnaires),
        weight=0.6,
    ),
    Act(operation="POST /v1/cycles", by=("hr", "assistant"), body=writing.cycle, weight=0.25),
    Act(
        operation="PATCH /v1/cycles/{cycle_id}",
        by=("hr", "assistant"),
        body=writing.cycle_change,
        version=_newest_cycle,
        fits=_another_cycle,
        weight=0.5,
    ),
    Act(
        operation="POST /v1/cycles/{cycle_id}/participants",
        by=("hr", "assistant"),
        body=writing.participants,
        fits=_another_cycle,
        weight=0.9,
    ),
    Act(
        operation="POST /v1/cycles/{cycle_id}/participants/import",
        by=("hr", "assistant"),
        body=writing.listed,
        fits=_another_cycle,
        weight=0.5,
    ),
    Act(
        operation="POST /v1/cycles/{cycle_id}/participants/remove",
        by=("hr", "assistant"),
        body=writing.removed,
        fits=_another_cycle,
        weight=0.2,
    ),
    Act(operation="POST /v1/cycles/{cycle_id}/start", by=("hr",), fits=_another_cycle, weight=0.8),
    Act(operation="POST /v1/cycles/{cycle_id}/close", by=("hr",), body=writing.reason, fits=_another_cycle, weight=0.4),
    Act(
        operation="POST /v1/reviews/{review_id}/reassign",
        by=("hr",),
        body=writing.reassigned,
        fits=_manager_writes,
        weight=0.6,
    ),
    Act(operation="POST /v1/reviews/{review_id}/cancel", by=("hr",), body=writing.reason, weight=0.05),
    Act(operation="POST /v1/reviews/bulk", by=("hr",), body=writing.many_reviews, weight=0.4),
    Act(
        operation="POST /v1/reviews/operations/{operation_id}/apply",
        by=("hr",),
        operations=("planned",),
        weight=1,
    ),
    Act(
        operation="POST /v1/reviews/operations/{operation_id}/cancel",
        by=("hr",),
        operations=("planning", "planned", "running"),
        weight=0.5,
    ),
    Act(
        operation=f"PUT {_SELF}",
        by=("employee",),
        fits=_self_editable,
        body=writing.self_answers,
        version=lambda s: s.version("self", s.review["self_version"]),
        weight=2,
    ),
    Act(operation=f"PUT {_SELF}/backup", by=("employee",), body=writing.self_answers, weight=0.4),
    Act(
        operation=f"POST {_SELF}/backups/{{number}}/restore",
        by=("employee",),
        fits=lambda s: _self_editable(s) and s.has_backup("self"),
        version=lambda s: s.version("self", s.review["self_version"]),
        weight=1.0,
    ),
    Act(operation=f"POST {_SELF}/share", by=("employee",), fits=lambda s: s.review["self_state"] == "draft", weight=4),
    Act(operation=f"POST {_SELF}/unshare", by=("employee",), fits=lambda s: s.review["self_state"] == "shared"),
    Act(
        operation=f"POST {_SELF}/waive",
        by=("hr",),
        body=writing.reason,
        fits=lambda s: s.review["self_state"] in {"none", "draft"},
        weight=0.7,
    ),
    Act(
        operation=f"POST {_SELF}/unwaive",
        by=("hr",),
        body=writing.reason,
        fits=lambda s: s.review["self_state"] == "waived",
        weight=0.6,
    ),
    Act(
        operation=f"PUT {_MANAGER}",
        by=("manager", "hr"),
        fits=_manager_writes,
        body=writing.manager_answers,
        version=lambda s: s.version("manager", s.review["manager_version"]),
        weight=2,
    ),
    Act(operation=f"PUT {_MANAGER}/backup", by=("manager",), body=writing.manager_answers, weight=0.4),
    Act(
        operation=f"POST {_MANAGER}/backups/{{number}}/restore",
        by=("manager", "hr"),
        fits=lambda s: _manager_writes(s) and s.has_backup("manager"),
        version=lambda s: s.version("manager", s.review["manager_version"]),
        weight=1.0,
    ),
    Act(
        operation=f"POST {_MANAGER}/submit",
        by=("manager",),
        fits=lambda s: _manager_writes(s) and s.review["manager_state"] == "draft",
        weight=5,
    ),
    Act(
        operation=f"POST {_MANAGER}/reopen",
        by=("hr",),
        body=writing.reason,
        fits=lambda s: _manager_writes(s) and s.review["manager_state"] == "submitted",
        weight=0.7,
    ),
    # packets
    Act(
        operation="PUT /v1/shared-questions/{cycle_id}",
        by=("hr",),
        body=writing.selected,
        version=_newest_selection,
        weight=1.2,
    ),
    Act(
        operation="POST /v1/calibrations",
        by=("hr",),
        body=writing.session,
        fits=lambda s: _calibration_in("pending", "stale")(s) and s.packet.get("submitted", False),
        weight=3,
    ),
    Act(
        operation=f"PUT {_CALIBRATION}/members",
        by=("hr",),
        body=lambda s: {"members": [HELEN.id, KAI.id, *([HUGO.id] if s.chance(0.3) else [])]},
        version=_newest_session,
        sessions=("pending", "in_session"),
        weight=0.4,
    ),
    Act(operation=f"POST {_CALIBRATION}/start", by=("hr",), sessions=("pending",), weight=4),
    Act(operation=f"POST {_CALIBRATION}/cancel", by=("hr",), sessions=("pending", "in_session"), weight=0.4),
    Act(
        operation=f"POST {_CALIBRATION}/complete",
        by=("calibrator",),
        sessions=("in_session",),
        fits=_rated_in_session,
        weight=6,
    ),
    Act(operation=f"POST {_CALIBRATION}/reopen", by=("hr",), sessions=("completed",), weight=1.2),
    Act(
        operation=f"POST {_CALIBRATION}/confirm",
        by=("calibrator",),
        body=lambda s: {"review_ids": [s.review_id]},
        sessions=("completed",),
        fits=_calibration_in("stale"),
        weight=4,
    ),
    Act(
        operation=f"PUT {_CALIBRATION}/ratings/{{review_id}}",
        by=("calibrator",),
        body=writing.rated,
        version=lambda s: s.version("rating", s.packet.get("rating_version")),
        sessions=("in_session",),
        fits=_calibration_in("in_session"),
        weight=5,
    ),
    Act(
        operation=f"PUT {_PACKET}/rating",
        by=("hr", "calibrator"),
        body=writing.changed_rating,
        version=lambda s: s.version("rating", s.packet.get("rating_version")),
        fits=_calibration_in("calibrated"),
        weight=1.2,
    ),
    Act(
        operation=f"POST {_PACKET}/override-calibration",
        by=("hr",),
        body=writing.reason,
        fits=_calibration_in("pending", "in_session", "stale"),
        weight=0.8,
    ),
    Act(operation=f"POST {_PACKET}/release-to-manager", by=("hr",), fits=_in("ready"), weight=4),
    Act(
        operation=f"POST {_PACKET}/release",
        by=("manager", "hr"),
        body=writing.release,
        version=_tag,
        fits=_may_release,
        weight=6,
    ),
    Act(
        operation=f"POST {_PACKET}/release",
        by=("manager", "hr", "hr"),
        body=writing.release_later,
        version=_tag,
        fits=lambda s: _may_release(s) and not s.scheduled,
        weight=2,
    ),
    Act(
        operation=f"POST {_PACKET}/cancel-scheduled",
        by=("manager", "hr"),
        fits=lambda s: s.scheduled,
        weight=3,
    ),
    Act(
        operation=f"POST {_PACKET}/conversation-held",
        by=("manager",),
        fits=_in("with_manager", "released"),
        weight=0.6,
    ),
    Act(operation="POST /v1/packets/bulk", by=("hr",), body=writing.many, weight=0.9),
    Act(
        operation="POST /v1/packets/operations/{operation_id}/apply",
        by=("hr",),
        body=writing.applied,
        operations=("planned",),
        weight=3,
    ),
    Act(
        operation="POST /v1/packets/operations/{operation_id}/cancel",
        by=("hr",),
        operations=("planning", "planned", "scheduled", "running"),
        weight=1,
    ),
    Act(
        operation=f"POST {_PACKET}/unrelease",
        by=("hr",),
        body=writing.unreleased,
        fits=lambda s: s.packet_state in {"with_manager", "releasing", "released"},
        weight=2.5,
    ),
    # signing
    Act(operation=f"POST {_SIGNATURE}/sign", by=("employee", "manager"), body=writing.signed, fits=_may_sign, weight=6),
    Act(
        operation=f"POST {_SIGNATURE}/revoke",
        by=("hr",),
        body=lambda s: {"signer": s.random.choice(("all", "employee", "manager")), **writing.reason(s)},
        fits=_something_signed,
        weight=1.5,
    ),
    Act(
        operation=f"POST {_SIGNATURE}/complete",
        by=("hr",),
        body=writing.reason,
        fits=lambda s: s.packet_state == "released",
        weight=0.6,
    ),
)
