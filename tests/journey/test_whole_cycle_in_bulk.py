"""HR looks after a whole cycle by few commands: participants from a file, self stages waived, reviews ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import AMY, ANNA, BEN, HELEN, KAI, MAX
from harness.story import expect

if TYPE_CHECKING:
    from harness.journey import Stage
    from harness.people import Person
    from harness.story import Story

REASON = "The self stage is over."


def _take_part(story: Story) -> None:
    """Anna, Ben and Kai come from a file, in which there is a mistake; Kai is taken out again."""
    path = f"/v1/cycles/{story.cycle_id}/participants"
    amy = story.as_(AMY)
    lines = "subject_id;manager_id", f"{ANNA.id};", f"{BEN.id};{MAX.id}", "p-nobody;", f"{KAI.id};{KAI.id}"
    body = {"csv": "\r\n".join(lines), "dry_run": True}
    tried = expect(amy.post(f"{path}/import", body)).json()
    assert [(one["subject_id"], one["code"]) for one in tried["problems"]] == [
        ("p-nobody", "unknown-participant"),
        (KAI.id, "reviewer-is-reviewee"),
    ]
    body = {"csv": "\r\n".join([*lines[:3], f"{KAI.id};"]), "dry_run": False}
    assert expect(amy.post(f"{path}/import", body)).json()["changed"] == 3
    assert expect(amy.post(f"{path}/remove", {"subject_ids": [KAI.id]})).json()["removed"] == 1
    listed = expect(amy.get(path)).json()["items"]
    story.reviews |= {one["subject_id"]: one["review_id"] for one in listed}
    assert set(story.reviews) == {ANNA.id, BEN.id}


def _operate(stage: Stage, action: str, *, dry_run: bool = False, **selection: Any) -> str:
    body = {"action": action, "selection": selection, "reason": REASON, "dry_run": dry_run}
    begun = expect(stage.story.as_(HELEN).post("/v1/reviews/bulk", body), 202).json()
    stage.settle()
    return str(begun["operation_id"])


def _outcomes(story: Story, operation_id: str) -> dict[str, str]:
    path = f"/v1/reviews/operations/{operation_id}/items"
    return {one["subject_id"]: one["outcome"] for one in expect(story.as_(HELEN).get(path)).json()["items"]}


def _tasks(stage: Stage, person: Person, employee: Person) -> set[str]:
    return stage.tasks(person, stage.story.review(employee))


def test_a_cycle_is_filled_waived_and_ended_by_commands_for_many(own_stage: Stage) -> None:
    stage, story = own_stage, own_stage.story
    story.import_people()
    story.create_questionnaire()
    story.create_cycle(calibration_required=False)
    _take_part(story)
    story.start_cycle()
    stage.settle()
    # Nobody has heard of who was taken out before the start.
    packets = expect(story.as_(HELEN).get(f"/v1/packets?cycle_id={story.cycle_id}")).json()["items"]
    assert {one["subject_id"] for one in packets} == {ANNA.id, BEN.id}
    story.select_questions()
    story.save_self(BEN)
    story.share_self(BEN)
    for employee in (ANNA, BEN):
        story.save_manager(employee)
        story.submit(employee)
    stage.settle()
    assert _tasks(stage, ANNA, ANNA)

    plan = _operate(stage, "waive-self-assessment", dry_run=True, filter={"cycle_id": story.cycle_id})
    assert _outcomes(story, plan) == {ANNA.id: "allowed", BEN.id: "skipped"}
    assert stage.facts("self-assessment.waived.v1") == []
    expect(story.as_(HELEN).post(f"/v1/reviews/operations/{plan}/apply"), 202)
    stage.settle()
    assert _outcomes(story, plan) == {ANNA.id: "done", BEN.id: "skipped"}
    assert len(stage.facts("self-assessment.waived.v1")) == 1
    assert _tasks(stage, ANNA, ANNA) == set()

    # What was waived for many opens the signing as what was waived for one.
    for employee in (ANNA, BEN):
        story.send_to_manager(employee)
    stage.settle()
    story.release(ANNA)
    stage.settle()
    assert story.signer("employee", ANNA)["state"] == "open"

    ended = _operate(stage, "cancel", review_ids=[story.review(ANNA), story.review(BEN)])
    assert _outcomes(story, ended) == {ANNA.id: "skipped", BEN.id: "done"}
    assert (story.packet(ANNA)["state"], story.packet(BEN)["state"]) == ("released", "none")
    assert _tasks(stage, MAX, BEN) == set()
    seen = expect(story.as_(HELEN).get(f"/v1/reviews/operations/{ended}")).json()
    assert (seen["state"], seen["counts"]["done"], seen["counts"]["skipped"]) == ("completed", 1, 1)
