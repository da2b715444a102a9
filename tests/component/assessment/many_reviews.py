"""A started cycle of eight reviews, and one command for many of them, as the tests of operations give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from component.assessment.assessment_service import SELF_ANSWERS, Running
from harness.people import AMY, ANNA, BEN, HELEN, HUGO, KAI, MAX, MIRA, OLGA, Person

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

UNKNOWN = "0198c0de-2000-7b20-9c3f-4d6e8f0a1b02"
TEAM = (ANNA, BEN, OLGA, KAI, MAX, MIRA, HUGO, HELEN)
REASON = "The stage is over."
BULK = "/v1/reviews/bulk"

Reviews = dict[Person, str]


def told(service: Running) -> Reviews:
    """A started cycle of eight reviews; Anna's self-assessment is shared, Ben's is a draft."""
    service.import_cast()
    cycle_id = service.cycle()
    path = f"/v1/cycles/{cycle_id}"
    rows = [{"subject_id": one.id} for one in TEAM]
    added = service.done(service.post(AMY, f"{path}/participants", {"participants": rows}))["reviews"]
    service.done(service.post(HELEN, f"{path}/start"))
    while service.work():
        pass
    by_id = {one["subject_id"]: one["review_id"] for one in added}
    found = {one: by_id[one.id] for one in TEAM}
    service.shared(found[ANNA])
    service.done(service.put(BEN, f"/v1/reviews/{found[BEN]}/self-assessment", {"answers": SELF_ANSWERS}, version=0))
    return found


def cycle_of(service: Running, reviews: Reviews) -> str:
    return str(service.row(reviews[ANNA])["cycle_id"])


def press(service: Running, *, who: Person = HELEN, action: str = "waive-self-assessment", **more: Any) -> TestResponse:
    body = {"action": action, "reason": REASON, **more}
    return service.post(who, BULK, body)


def begun(service: Running, **more: Any) -> str:
    answer = press(service, **more)
    told = service.done(answer)
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/reviews/operations/{told['operation_id']}")
    return str(told["operation_id"])


def whole(service: Running, reviews: Reviews, **narrower: Any) -> dict[str, Any]:
    return {"filter": {"cycle_id": cycle_of(service, reviews), **narrower}}


def path_of(operation_id: str, act: str = "") -> str:
    return f"/v1/reviews/operations/{operation_id}{act}"


def progress(service: Running, operation_id: str, who: Person = HELEN) -> dict[str, Any]:
    told: dict[str, Any] = service.done(service.get(who, path_of(operation_id)))
    return told


def outcomes(service: Running, operation_id: str, who: Person = HELEN) -> dict[str, tuple[str, list[str]]]:
    items = service.done(service.get(who, path_of(operation_id, "/items?limit=200")))["items"]
    assert [one["review_id"] for one in items] == sorted(one["review_id"] for one in items)
    return {one["subject_id"]: (one["outcome"], [each["code"] for each in one["unmet"]]) for one in items}


def states(service: Running, reviews: Reviews) -> dict[Person, str]:
    return {one: service.row(review_id)["self_state"] for one, review_id in reviews.items()}
