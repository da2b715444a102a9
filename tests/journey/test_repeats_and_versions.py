"""A tour through every command and every versioned save: repeated, changed under its key, and with wrong versions.

Whatever is sent in the tour is sent several times. A command that the tour does not visit fails the last line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from harness.journey import BACKUPS, Stage, prints_of, problem
from harness.operations import Operation, operations
from harness.people import ANNA, BEN, HELEN, HUGO, KAI, MAX, MIRA
from harness.story import MANAGER_ANSWERS, SELF_ANSWERS, expect

if TYPE_CHECKING:
    from harness.world import World

REASON = {"reason": "A slip."}


class Insisting(httpx.Client):
    """Sends each versioned request with wrong versions first, and each command that was carried out once more."""

    def __init__(self, world: World, service: str, chosen: list[Operation]) -> None:
        super().__init__(transport=httpx.WSGITransport(app=world.apps[service]), base_url=f"http://{service}.invalid")
        self._world = world
        self._service = service
        self._operations = chosen
        self.visited: set[str] = set()

    def request(self, method: str, url: Any, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        one = next((each for each in self._operations if each.matches(method, str(url).partition("?")[0])), None)
        if one is None or not (one.is_command or one.is_versioned):
            return super().request(method, url, headers=headers, **options)
        if one.is_versioned:
            self._with_wrong_versions(one, str(url), headers, options)
        answer = super().request(method, url, headers=headers, **options)
        if answer.is_success:
            self.visited.add(one.name)
            if one.is_command:
                self._repeated(one, answer, str(url), headers, options)
        return answer

    def _with_wrong_versions(self, one: Operation, url: str, headers: dict[str, str], options: dict[str, Any]) -> None:
        before = prints_of(self._world, self._service)
        unnamed = {name: value for name, value in headers.items() if name != "If-Match"}
        problem(super().request(one.method, url, headers=unnamed, **options), 428, "version-missing")
        assert prints_of(self._world, self._service) == before
        other = super().request(one.method, url, headers={**headers, "If-Match": '"999999"'}, **options)
        problem(other, 412, "packet-changed" if url.endswith("/release") else "stale-version")
        after = prints_of(self._world, self._service)
        changed = {table for table, digest in after.items() if before[table] != digest}
        assert {f"{self._service}.{table}" for table in changed} <= BACKUPS

    def _repeated(
        self, one: Operation, answer: httpx.Response, url: str, headers: dict[str, str], options: dict[str, Any]
    ) -> None:
        before = prints_of(self._world, self._service)
        again = super().request("POST", url, headers=headers, **options)
        assert (again.status_code, again.json()) == (answer.status_code, answer.json())
        for name in ("Location", "ETag"):
            assert again.headers.get(name) == answer.headers.get(name)
        body = options.get("json") or {}
        another = {"reason": "Another body under the same key.", "dry_run": not body.get("dry_run", False)}
        fitting = {name: value for name, value in another.items() if one.takes_field(name)}
        changed = super().request("POST", url, headers=headers, **{**options, "json": {**body, **(fitting or another)}})
        # Where the operation takes neither, the body is refused before its key is looked at.
        problem(changed, 422, "idempotency-key-reused" if fitting else "invalid-request")
        assert prints_of(self._world, self._service) == before


def test_every_command_is_repeatable_and_every_save_needs_its_version(own_stage: Stage) -> None:
    stage, gateway = own_stage, own_stage.story.gateway
    every = operations(gateway)
    insisting = {
        name: Insisting(stage.world, name, [one for one in every if one.service == name]) for name in gateway.clients
    }
    gateway.clients = insisting
    one_review_until_completion(stage)
    the_way_back(stage)
    one_command_for_many(stage)
    another = Stage(stage.world, new_story(stage))
    one_command_for_many_reviews(another)
    what_ends_it(another)
    wanted = {one.name for one in every if one.is_command or one.is_versioned}
    assert wanted - set().union(*(one.visited for one in insisting.values())) == set()


def one_review_until_completion(stage: Stage) -> None:
    story = stage.story
    story.begin()
    review = f"/v1/reviews/{story.review()}"
    story.save_self()
    expect(story.as_(ANNA).put(f"{review}/self-assessment/backup", {"answers": SELF_ANSWERS}))
    expect(story.as_(ANNA).post(f"{review}/self-assessment/backups/{newest_backup(stage)}/restore", version=1))
    story.share_self()
    expect(story.as_(ANNA).post(f"{review}/self-assessment/unshare"))
    expect(story.as_(HELEN).post(f"{review}/self-assessment/waive", REASON))
    expect(story.as_(HELEN).post(f"{review}/self-assessment/unwaive", REASON))
    story.share_self()
    story.save_manager()
    expect(story.as_(MAX).put(f"{review}/manager-assessment/backup", {"answers": MANAGER_ANSWERS}))
    number = newest_backup(stage, "manager")
    expect(story.as_(MAX).post(f"{review}/manager-assessment/backups/{number}/restore", version=1))
    story.submit()
    story.select_questions()
    stage.settle()
    expect(story.as_(HELEN).post(f"/v1/packets/{story.review()}/override-calibration", REASON))
    cancelled_session(stage)
    story.calibrate()
    members = {"members": [HELEN.id, KAI.id, HUGO.id]}
    expect(
        story.as_(HELEN).put(f"/v1/calibrations/{story.session_id}/members", members, version=story.session_version())
    )
    stage.settle()
    expect(story.press_rating(4, reason="Discussed once more."))
    stage.settle()
    story.send_to_manager()
    expect(story.as_(MAX).post(f"/v1/packets/{story.review()}/conversation-held"))
    story.release()
    story.sign(ANNA)
    story.sign(MAX)


def newest_backup(stage: Stage, side: str = "self") -> int:
    person = ANNA if side == "self" else MAX
    path = f"/v1/reviews/{stage.story.review()}/{side}-assessment/backups"
    return int(expect(stage.story.as_(person).get(path)).json()["items"][0]["number"])


def cancelled_session(stage: Stage) -> None:
    story = stage.story
    body = {"cycle_id": story.cycle_id, "review_ids": [story.review()], "members": [HELEN.id, KAI.id]}
    path = f"/v1/calibrations/{expect(story.as_(HELEN).post('/v1/calibrations', body)).json()['session_id']}"
    expect(story.as_(HELEN).post(f"{path}/start"))
    expect(story.as_(HELEN).post(f"{path}/cancel"))
    stage.settle()


def the_way_back(stage: Stage) -> None:
    story = stage.story
    expect(story.as_(HELEN).post(f"/v1/signatures/{story.review()}/revoke", {"signer": "all", **REASON}), 202)
    stage.settle()
    expect(story.as_(HELEN).post(f"/v1/signatures/{story.review()}/complete", REASON), 202)
    stage.settle()
    story.unrelease(revoke_signatures=True)
    expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/manager-assessment/reopen", REASON))
    story.submit()
    stage.settle()
    story.confirm()
    expect(story.as_(HELEN).post(f"/v1/calibrations/{story.session_id}/reopen"))
    expect(story.as_(HELEN).post(f"/v1/calibrations/{story.session_id}/complete"))
    stage.settle()


def one_command_for_many(stage: Stage) -> None:
    story = stage.story
    selection = {"filter": {"cycle_id": story.cycle_id}}
    plan = {"action": "release", "selection": selection, "dry_run": True, **REASON}
    path = expect(story.as_(HELEN).post("/v1/packets/bulk", plan), 202).headers["Location"]
    stage.settle()
    expect(story.as_(HELEN).post(f"{path}/apply"), 202)
    expect(story.as_(HELEN).post(f"{path}/cancel"))
    stage.settle()
    assert story.packet()["state"] == "ready"
    story.send_to_manager()
    expect(story.press_release(not_before="2030-01-01T00:00:00Z"), 202)
    expect(story.as_(MAX).post(f"/v1/packets/{story.review()}/cancel-scheduled"))


def new_story(stage: Stage) -> Any:
    """Another cycle of the same questionnaire, which was changed before anybody used it."""
    story = type(stage.story)(stage.story.gateway, stage.story.wait)
    story.create_questionnaire()
    path = f"/v1/questionnaires/{story.questionnaire_id}"
    questions = [{"question_id": "m-only", "text": "Anything?", "audience": "manager", "kind": "text"}]
    expect(story.as_(HELEN).put(path, {"title": "Short", "questions": questions}, version=1))
    story.create_cycle(calibration_required=False)
    story.add_participants(ANNA)
    renamed = story.as_(HELEN).call(
        "PATCH", f"/v1/cycles/{story.cycle_id}", json={"name": "Short"}, headers={"If-Match": '"1"'}
    )
    assert expect(renamed).json()["name"] == "Short"
    somebody_by_mistake(story)
    story.start_cycle()
    return story


def somebody_by_mistake(story: Any) -> None:
    """Ben comes by a list and is taken out again; each is done once, however often it was sent."""
    path = f"/v1/cycles/{story.cycle_id}/participants"
    came = expect(story.as_(HELEN).post(f"{path}/import", {"csv": f"subject_id\n{ANNA.id}\n{BEN.id}"})).json()
    assert (came["changed"], came["unchanged"], came["problems"]) == (1, 1, [])
    left = expect(story.as_(HELEN).post(f"{path}/remove", {"subject_ids": [BEN.id]})).json()
    assert (left["removed"], left["problems"]) == (1, [])
    assert [one["subject_id"] for one in expect(story.as_(HELEN).get(path)).json()["items"]] == [ANNA.id]


def one_command_for_many_reviews(stage: Stage) -> None:
    """A plan that is applied and cancelled before its turn leaves all as it was; another is carried out once."""
    story = stage.story
    plan = {"action": "waive-self-assessment", "selection": {"filter": {"cycle_id": story.cycle_id}}, "dry_run": True}
    for is_cancelled, outcome in ((True, "cancelled"), (False, "done")):
        path = expect(story.as_(HELEN).post("/v1/reviews/bulk", {**plan, **REASON}), 202).headers["Location"]
        stage.settle()
        expect(story.as_(HELEN).post(f"{path}/apply"), 202)
        if is_cancelled:
            expect(story.as_(HELEN).post(f"{path}/cancel"))
        stage.settle()
        (item,) = expect(story.as_(HELEN).get(f"{path}/items")).json()["items"]
        assert (item["review_id"], item["outcome"]) == (story.review(), outcome)
        assert len(stage.facts("self-assessment.waived.v1")) == (0 if is_cancelled else 1)


def what_ends_it(stage: Stage) -> None:
    story = stage.story
    review = f"/v1/reviews/{story.review()}"
    expect(story.as_(HELEN).post(f"{review}/reassign", {"manager_id": MIRA.id, **REASON}))
    expect(story.as_(HELEN).post(f"{review}/cancel", REASON))
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close"), 202)
    stage.settle()
