"""The machine itself: it knows every command and every crash point, and its rules can fail."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness.people import SERVICES
from harness.verdict import mail_id
from simulation.acts import ACTS
from simulation.faults import FAULTS
from simulation.kept import kept_seeds
from simulation.kill import named_points
from simulation.lines import Delivered, Sent
from simulation.post import Post
from simulation.records import Order, alarms, doubled, unanswered
from simulation.rules import Memory, breaches
from simulation.sight import Sight

if TYPE_CHECKING:
    from simulation.ground import Ground

ROOT = Path(__file__).resolve().parents[2]
REVIEW = "r-1"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HELD = {"release_held": True, "release_fence": 2, "release_epoch": 1, "release_snapshot_hash": "h"}
FREE = {"held": False, "fence": 0, "epoch": None, "snapshot_hash": None, "outcome": None}


def commands_of(service: str) -> set[str]:
    package = importlib.import_module(f"{service}.app")
    document = json.loads((Path(package.__file__ or "").parents[2] / "openapi.json").read_text(encoding="utf-8"))
    return {
        f"{verb.upper()} {path}"
        for path, item in document["paths"].items()
        for verb in item
        if verb in {"post", "put", "patch", "delete"} and path.startswith("/v1/")
    }


def test_every_command_of_the_product_has_its_entry_and_no_entry_is_of_another() -> None:
    assert {one.operation for one in ACTS} == set().union(*map(commands_of, SERVICES))


def test_somebody_dies_at_every_crash_point_that_the_product_names() -> None:
    assert {f"crash {point}" for point in named_points()} <= {one.name for one in FAULTS}


def review(**changes: Any) -> dict[str, Any]:
    registers = {
        f"{holder}_{name}": value
        for holder in ("release", "signature_employee", "signature_manager", "completion")
        for name, value in FREE.items()
    }
    row = {"review_id": REVIEW, "manager_version": 1, "manager_hash": "m", "manager_state": "submitted"}
    row |= {"self_version": 1, "self_hash": "s", "self_state": "shared", "manager_id": "p-max", "cancelled": False}
    return {**row, **registers, **HELD, **changes}


def packet(**changes: Any) -> dict[str, Any]:
    row = {"review_id": REVIEW, "state": "released", "epoch": 1, "row_version": 3, "manager_id": "p-max"}
    row |= {"assessment_version": 1}
    row |= {"snapshot_hash": "h", "snapshot_manager_version": 1, "snapshot_content_hash": "m", "rating": "3"}
    row |= {"snapshot_selection_version": 1, "selection_version": 1, "snapshot_rating_version": 1, "rating_version": 1}
    return {**row, "snapshot_rating_shown": "calibrated", "snapshot_rating": "3", **changes}


def record(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"packet_epoch": 1, "revoked_epoch": 0, "row_version": 1}
    for name in ("employee", "manager", "completion"):
        row |= {f"{name}_state": "none", f"{name}_fence": 0, f"{name}_epoch": 0, f"{name}_snapshot_hash": None}
        row |= {f"{name}_manager_version": None, f"{name}_self_version": None}
    return {**row, **changes}


def sight(ours: dict[str, Any], theirs: dict[str, Any], signed: dict[str, Any], *flags: str) -> Sight:
    def rows(row: dict[str, Any]) -> dict[str, Any]:
        return {"rows": {REVIEW: row}, "flags": []}

    return Sight({**rows(ours), "flags": list(flags)}, rows(theirs), rows(signed), rows({}))


GOOD = sight(review(), packet(), record())
SIGNED = record(employee_state="signed", employee_epoch=1, employee_snapshot_hash="h", employee_manager_version=1) | {
    "employee_self_version": 1,
    "employee_fence": 2,
}
EMPLOYEE_HELD = {
    "signature_employee_held": True,
    "signature_employee_epoch": 1,
    "signature_employee_snapshot_hash": "h",
}


def test_a_released_packet_under_its_lock_breaks_no_rule() -> None:
    assert breaches(GOOD, GOOD, Memory()) == []
    signed = sight(review(**EMPLOYEE_HELD, signature_employee_fence=2), packet(), SIGNED)
    assert breaches(signed, signed, Memory()) == []


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        ("S1", sight(review(release_held=False), packet(), record())),
        ("S1", sight(review(release_epoch=2), packet(), record())),
        ("S1", sight(review(release_snapshot_hash="other"), packet(), record())),
        ("S2", sight(review(manager_version=2), packet(snapshot_content_hash="m"), record())),
        ("S2", sight(review(), packet(rating="4"), record())),
        ("S2", sight(review(), packet(selection_version=2), record())),
        ("S3", sight(review(), packet(), SIGNED)),
        ("S3", sight(review(**EMPLOYEE_HELD), packet(), {**SIGNED, "employee_snapshot_hash": "other"})),
        ("S3", sight(review(**EMPLOYEE_HELD, self_version=2), packet(), SIGNED)),
        ("S4", sight(review(manager_version=2), packet(state="unreleasing"), record())),
        ("S4", sight(review(self_state="draft"), packet(), record())),
        ("S6", sight(review(release_fence=1), packet(), record())),
        ("S6", sight(review(release_outcome={"kind": "rejected"}), packet(), record())),
        ("S6", sight(review(), packet(state="none", epoch=0), record())),
        ("S6", sight(review(), packet(assessment_version=0), record())),
        ("I3", sight(review(), packet(snapshot_rating="4", rating="4"), record())),
    ],
)
def test_each_rule_finds_what_breaks_it(rule: str, after: Sight) -> None:
    assert rule in {one.split()[0] for one in breaches(GOOD, after, Memory())}


def test_a_restored_assessment_is_judged_again_once_the_others_have_compared_their_rows() -> None:
    lost = sight(review(release_held=False), packet(), record(), "awaiting-sweep:packets")
    assert breaches(lost, lost, Memory()) == []
    edited = replace(lost, assessment={**lost.assessment, "rows": {REVIEW: review(release_held=False, self_version=2)}})
    assert [one.split()[0] for one in breaches(lost, edited, Memory())] == ["S4"]
    settled = sight(review(release_held=False), packet(), record())
    assert [one.split()[0] for one in breaches(lost, settled, Memory())] == ["S1"]


def sent(number: int, *, event: str = "", life: int = 0) -> Sent:
    headers = {"ce_id": event or f"e-{number}-{life}", "ce_type": "t.v1", "ce_source": "/packets"}
    headers["ce_sequence"] = str(number)
    return Sent(service="packets", topic="t", key=REVIEW, headers=headers, body=b"{}", life=life)


def test_a_record_that_overtakes_another_is_found_and_a_repeat_is_not() -> None:
    assert list(Order().breaches([sent(1), sent(2), sent(1), sent(3), sent(2)])) == []
    assert len(list(Order().breaches([sent(2), sent(1)]))) == 1
    assert list(Order().breaches([sent(5), sent(1, life=1)])) == []


def told(kind: str, *, event: str, cause: str | None = None, service: str = "assessment", **body: Any) -> Sent:
    headers = {"ce_id": event, "ce_type": kind, "ce_source": f"/{service}"}
    headers |= {} if cause is None else {"ce_causationid": cause}
    return Sent(service=service, topic="t", key=REVIEW, headers=headers, body=json.dumps(body).encode(), life=0)


def test_a_command_that_is_answered_twice_is_found_and_two_commands_with_an_answer_each_are_not() -> None:
    first = told("hold.granted.v1", event="a", cause="c", holder="release")
    again = told("hold.granted.v1", event="b", cause="c", holder="release")
    other = told("hold.granted.v1", event="b", cause="d", holder="release")
    assert list(doubled([first, first, other], ())) == []
    assert [one.split()[0] for one in doubled([first, again], ())] == ["S7"]
    assert list(doubled([first, again], {"assessment"})) == []


def test_a_command_that_is_never_answered_is_found() -> None:
    command = told("hold.requested.v1", event="c", service="packets")
    assert list(unanswered([command, told("hold.rejected.v1", event="a", cause="c")])) == []
    assert [one.split()[0] for one in unanswered([command])] == ["E"]


def test_an_alarm_of_a_sweep_is_found_and_a_correction_is_none() -> None:
    assert list(alarms([told("packet.unreleased.v1", event="a", reason="correction")])) == []
    alarm = told("packet.unreleased.v1", event="a", reason="release-without-register")
    assert [one.split()[0] for one in alarms([alarm])] == ["L4"]


def test_each_kept_seed_names_a_fault_that_there_is() -> None:
    kept = kept_seeds()
    assert kept
    assert {one.fault for one in kept} <= {one.name for one in FAULTS}
    assert len({one.seed for one in kept}) == len(kept)


@pytest.mark.parametrize(
    ("occurred", "copies", "wrong"),
    [
        (None, 1, 0),
        (None, 2, 1),
        (NOON + timedelta(minutes=1), 2, 0),
        (NOON + timedelta(minutes=1), 3, 1),
        (NOON - timedelta(minutes=1), 2, 1),
    ],
)
def test_no_mail_goes_out_twice_but_for_what_came_about_after_notifications_was_restored(
    occurred: datetime | None, copies: int, wrong: int
) -> None:
    """`occurred`: when what calls for the repeat came about, None where nothing was restored."""
    row = {"recipient_id": "p", "template": "signed", "review_id": "r", "occasion": "1"}
    row["occurred_at"] = (occurred or NOON).isoformat()
    rows = SimpleNamespace(ask=lambda _: [row])
    post = Post(cast("Ground", SimpleNamespace(rows={"notifications": rows})))
    for copy in range(copies):
        post.mail(Delivered(message_id=f"<{mail_id('p:signed:r:1')}@x>", to="p", subject="Signed"), NOON)
        if occurred is not None and not copy:
            post.restored(NOON)
    assert len(post.wrong) == wrong
