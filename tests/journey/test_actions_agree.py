"""What `actions` promises is what the commands do, in every state on the way and for every role, once settled.

Each command is really given, in a transaction that is undone at its end, so that all of them meet the same state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.journey import undoing
from harness.people import AMY, ANNA, DORA, HELEN, HUGO, KAI, MAX, MIRA, OLGA
from harness.story import MANAGER_ANSWERS, SELF_ANSWERS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage
    from harness.people import Person

REASON = {"reason": "To see what happens."}
SERVICES = {"assessment": "reviews", "packets": "packets", "signing": "signatures"}


def agree(stage: Stage, *people: Person, reviewee: Person = ANNA) -> None:
    """For each person and action: promised exactly if it is carried out, and refused for the reasons told."""
    review_id = stage.story.review(reviewee)
    requests = wanted(stage, review_id)
    disagreeing: list[str] = []
    with undoing(stage.world):
        for person in people or (ANNA, MAX, HELEN, AMY, KAI):
            for service, segment in SERVICES.items():
                told = stage.story.as_(person).get(f"/v1/{segment}/{review_id}/actions")
                listed = told.json()["actions"] if told.status_code == 200 else []
                for one in listed:
                    name = one["name"]
                    answer = send(stage, person, *requests[service][name])
                    difference = compare(one, answer, to_employee=person == reviewee and service == "packets")
                    if difference:
                        disagreeing.append(f"{person.id}, {service} {name}: {difference}")
    assert disagreeing == []


def send(stage: Stage, person: Person, method: str, path: str, body: Any = None, version: Any = None) -> httpx.Response:
    return stage.send(person, method, path, body, **({} if version is None else {"version": version}))


def compare(told: dict[str, Any], answer: httpx.Response, *, to_employee: bool) -> str:
    """Say how the promise and the answer differ; nothing if they agree."""
    assert told["allowed"] == (not told["unmet"])
    if told["allowed"] != answer.is_success:
        return f"told {told}, answered {answer.status_code} {answer.text[:300]}"
    if told["allowed"]:
        return ""
    codes = {one["code"] for one in told["unmet"]}
    words = {one["code"]: one["detail"] for one in told["unmet"]}
    body = answer.json()
    refused = {one["code"] for one in body.get("unmet", [{"code": body["code"]}])}
    instead = {one["code"]: one["detail"] for one in body.get("unmet", [body])}
    if not all(words.values()) or any(instead.get(code, said) != said for code, said in words.items()):
        return f"told {words}, answered {instead}"
    # To the employee whatever keeps a packet back has one name.
    if codes == refused or (to_employee and codes == {"not-released"}):
        return ""
    return f"told {codes}, answered {refused}"


def wanted(stage: Stage, review_id: str) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return the request of each action, naming what is current."""
    row, packet = stage.internal("assessment", review_id), stage.internal("packets", review_id)
    review, path, signatures = f"/v1/reviews/{review_id}", f"/v1/packets/{review_id}", f"/v1/signatures/{review_id}"
    mine, managers = f"{review}/self-assessment", f"{review}/manager-assessment"
    preview = stage.story.as_(HELEN).get(path)
    rated = expect(stage.story.as_(HELEN).get(f"{path}/actions")).json()["rating_version"]
    tag = preview.headers["ETag"].strip('"') if preview.status_code == 200 else "none"
    seen = {"statement_version": 1, "snapshot_hash": packet["snapshot_hash"] or "sha256:" + "0" * 64}
    return {
        "assessment": {
            "read-self-assessment": ("GET", mine),
            "save-self-assessment": ("PUT", mine, {"answers": SELF_ANSWERS}, row["self_version"]),
            "autosave-self-assessment": ("PUT", f"{mine}/backup", {"answers": SELF_ANSWERS}),
            "share-self-assessment": ("POST", f"{mine}/share"),
            "unshare-self-assessment": ("POST", f"{mine}/unshare"),
            "waive-self-assessment": ("POST", f"{mine}/waive", REASON),
            "unwaive-self-assessment": ("POST", f"{mine}/unwaive", REASON),
            "read-manager-assessment": ("GET", managers),
            "save-manager-assessment": ("PUT", managers, {"answers": MANAGER_ANSWERS}, row["manager_version"]),
            "autosave-manager-assessment": ("PUT", f"{managers}/backup", {"answers": MANAGER_ANSWERS}),
            "submit-manager-assessment": ("POST", f"{managers}/submit"),
            "reopen-manager-assessment": ("POST", f"{managers}/reopen", REASON),
            "reassign": ("POST", f"{review}/reassign", {"manager_id": MIRA.id, **REASON}),
            "cancel": ("POST", f"{review}/cancel", REASON),
        },
        "packets": {
            "read": ("GET", path),
            "release-to-manager": ("POST", f"{path}/release-to-manager"),
            "release": ("POST", f"{path}/release", REASON, tag),
            "unrelease": ("POST", f"{path}/unrelease", REASON),
            "unrelease-and-revoke": ("POST", f"{path}/unrelease", {**REASON, "revoke_signatures": True}),
            "change-rating": ("PUT", f"{path}/rating", {"rating": 5, **REASON}, rated),
            "override-calibration": ("POST", f"{path}/override-calibration", REASON),
            "conversation-held": ("POST", f"{path}/conversation-held"),
            "cancel-scheduled": ("POST", f"{path}/cancel-scheduled"),
        },
        "signing": {
            "sign": ("POST", f"{signatures}/sign", seen),
            "revoke": ("POST", f"{signatures}/revoke", {"signer": "all", **REASON}),
            "complete": ("POST", f"{signatures}/complete", REASON),
        },
    }


def test_actions_agree_with_the_commands_from_draft_to_release(stage: Stage) -> None:
    story = stage.story
    story.begin()
    agree(stage, ANNA, MAX, HELEN, AMY, KAI, OLGA)
    story.save_self()
    story.save_manager(answers={"m-growth": "<p>Some.</p>"})
    agree(stage)
    story.share_self()
    story.save_manager()
    stage.settle()
    agree(stage)
    story.select_questions()
    story.submit()
    stage.settle()
    agree(stage)
    story.calibrate()
    stage.settle()
    agree(stage)
    story.send_to_manager()
    stage.settle()
    agree(stage, ANNA, MAX, HELEN, AMY, KAI, MIRA, OLGA)
    expect(story.press_release(), 202)
    stage.settle(without=("assessment",))
    agree(stage)
    stage.settle()
    agree(stage)


def test_actions_agree_with_the_commands_from_release_to_completion_and_back(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.settle(without=("assessment",))
    agree(stage, ANNA, MAX, HELEN)
    stage.settle()
    agree(stage)
    story.sign(MAX)
    agree(stage)
    expect(story.press_unrelease(revoke_signatures=True), 202)
    stage.settle(without=("assessment",))
    agree(stage, ANNA, MAX, HELEN)
    stage.settle()
    agree(stage)
    story.save_manager(answers={**MANAGER_ANSWERS, "m-growth": "<p>More.</p>"})
    stage.settle()
    agree(stage, ANNA, MAX, HELEN)
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close"))
    stage.settle()
    agree(stage, ANNA, MAX, HELEN)


def test_actions_agree_with_the_commands_on_special_ways(stage: Stage) -> None:
    story = stage.story
    story.begin(release_mode="manager_direct", calibration_required=False, self_visibility="after_manager_submit")
    story.select_questions()
    waive = f"/v1/reviews/{story.review()}/self-assessment/waive"
    expect(story.as_(HELEN).post(waive, REASON))
    stage.settle()
    agree(stage, ANNA, MAX, HELEN)
    story.save_manager()
    story.submit()
    story.wait_for_packet("with_manager")
    agree(stage, ANNA, MAX, HELEN)
    expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/cancel", REASON))
    stage.settle()
    agree(stage, ANNA, MAX, HELEN)


def test_actions_agree_with_the_commands_on_a_superiors_review(stage: Stage) -> None:
    story = stage.story
    story.begin(MAX)
    story.select_questions()
    story.save_manager(MAX, by=DORA)
    story.submit(MAX, by=DORA)
    story.calibrate(MAX)
    story.send_to_manager(MAX)
    stage.settle()
    agree(stage, MAX, DORA, HUGO, HELEN, reviewee=MAX)
