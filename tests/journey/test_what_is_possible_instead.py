"""A refusal to somebody who may see the object says what that person can do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import ANNA, HELEN, MAX, OLGA
from harness.story import SELF_ANSWERS, expect

if TYPE_CHECKING:
    import httpx

    from harness.journey import Stage
    from harness.people import Person


def listed(stage: Stage, person: Person, path: str) -> list[str]:
    actions = expect(stage.story.as_(person).get(f"{path}/actions")).json()["actions"]
    return [one["name"] for one in actions if one["allowed"]]


def told(refused: httpx.Response) -> Any:
    assert refused.status_code in {409, 423}, refused.text
    return refused.json()["allowed_actions"]


def test_each_service_names_the_same_actions_as_it_lists(stage: Stage) -> None:
    story = stage.released()
    review, packet, record = (f"/v1/{name}/{story.review()}" for name in ("reviews", "packets", "signatures"))

    saved = story.as_(ANNA).put(f"{review}/self-assessment", {"answers": SELF_ANSWERS}, version=1)
    assert told(saved) == listed(stage, ANNA, review) != []

    rated = story.press_rating(5, reason="Late news.")
    assert told(rated) == listed(stage, HELEN, packet) != []

    body = {"signer": "all", "reason": "Nothing is signed yet."}
    assert told(story.as_(HELEN).post(f"{record}/revoke", body)) == listed(stage, HELEN, record) != []


def test_who_may_not_see_the_object_is_told_nothing(stage: Stage) -> None:
    story = stage.released()
    for person, path in ((OLGA, "/self-assessment/unshare"), (MAX, "/cancel")):
        refused = story.as_(person).post(f"/v1/reviews/{story.review()}{path}", {} if "un" in path else {"reason": "x"})
        assert refused.status_code in {403, 404}
        assert refused.json()["allowed_actions"] == []
