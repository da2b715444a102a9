"""One review's way through the assessment service, and what each reader gets to see on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from component.assessment.assessment_service import MANAGER_ANSWERS, SELF_ANSWERS
from harness.people import ANNA, HELEN, MAX, OLGA

if TYPE_CHECKING:
    from component.assessment.assessment_service import Running


def test_a_review_is_written_shared_submitted_and_held(service: Running) -> None:
    review_id = service.review()
    base = f"/v1/reviews/{review_id}"
    form = service.get(ANNA, f"{base}/self-assessment")
    assert (form.status_code, form.headers["ETag"], form.get_json()["version"]) == (200, '"0"', 0)
    assert [one["question_id"] for one in form.get_json()["questions"]] == ["s-text", "s-rating"]
    saved = service.put(ANNA, f"{base}/self-assessment", {"answers": SELF_ANSWERS}, version=0)
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"1"')
    assert service.get(MAX, f"{base}/self-assessment").status_code == 404
    assert service.get(MAX, base).get_json()["self_state"] == "none"
    shared = service.post(ANNA, f"{base}/self-assessment/share")
    assert shared.get_json()["self_state"] == "shared"
    assert service.get(MAX, f"{base}/self-assessment").get_json()["answers"] == SELF_ANSWERS
    assert service.get(OLGA, f"{base}/self-assessment").status_code == 404
    service.submitted(review_id)
    assert service.get(ANNA, f"{base}/manager-assessment").status_code == 404
    assert service.get(HELEN, f"{base}/manager-assessment").get_json()["answers"] == MANAGER_ANSWERS
    service.released(review_id)
    assert service.get(ANNA, base).get_json()["state"] == "locked"
    refused = service.put(MAX, f"{base}/manager-assessment", {"answers": MANAGER_ANSWERS}, version=1)
    assert (refused.status_code, refused.get_json()["code"]) == (423, "locked-released")
    assert refused.get_json()["holders"] == ["release"]
    assert [one["type"] for one in service.events(review_id)] == [
        "review.opened.v1",
        "self-assessment.shared.v1",
        "self-assessment.read.v1",
        "manager-assessment.submitted.v1",
        "hold.granted.v1",
    ]
    assert [one["kind"] for one in service.get(MAX, f"{base}/manager-assessment/backups").get_json()["items"]] == [
        "refused"
    ]
