"""Commands on the registers, one by one and in batches, as they come: late, twice, and from the wrong place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from component.assessment.assessment_service import MANAGER_ANSWERS, OTHER_SNAPSHOT, SNAPSHOT, Running
from harness.people import ANNA, BEN, HELEN, MAX, OLGA
from reviewbus.catalogue import ContractBroken
from reviewbus.testing.examples import labelled

if TYPE_CHECKING:
    from reviewbus.envelope import Received

EXAMPLES = labelled("hold.requested.v1")
ANSWERS = ("hold.granted.v1", "hold.rejected.v1", "hold.released.v1", "hold.superseded.v1")


def test_every_example_is_answered_once_though_it_comes_twice(own_service: Running) -> None:
    wanted = sorted({payload["review_id"] for _, payload in EXAMPLES})
    for person, review_id in zip((ANNA, BEN, OLGA), wanted, strict=False):
        made = own_service.review(subject=person)
        with own_service.service.db.engine.begin() as connection:
            rename = sa.text("update review set review_id = :wanted where review_id = :made")
            connection.execute(rename, {"wanted": review_id, "made": made})
    for _, payload in EXAMPLES:
        source = "/packets" if payload["holder"] == "release" else "/signing"
        command = own_service.received("hold.requested.v1", payload, source=source)
        own_service.apply([command])
        own_service.apply([command])
    answers = [answer for review_id in wanted for answer in own_service.events(review_id, *ANSWERS)]
    assert sorted((one["review_id"], one["holder"], one["fence"]) for one in answers) == sorted(
        (payload["review_id"], payload["holder"], payload["fence"]) for _, payload in EXAMPLES
    )


def test_the_same_command_sent_again_gets_the_stored_answer_again(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    service.hold(review_id, manager_version=1)
    service.hold(review_id, manager_version=7)  # the same fence decides nothing anew
    first, again = service.events(review_id, *ANSWERS)
    assert first == again
    assert (first["type"], first["manager_version"], first["self_version"]) == ("hold.granted.v1", 1, None)


def test_a_late_lock_after_its_unlock_is_superseded_and_the_review_stays_free(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    service.hold(review_id, fence=3)
    service.hold(review_id, fence=2, manager_version=1)
    assert [one["type"] for one in service.events(review_id, *ANSWERS)] == ["hold.released.v1", "hold.superseded.v1"]
    assert not service.row(review_id)["release_held"]


def test_an_edit_that_came_before_the_lock_rejects_it(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    path = f"/v1/reviews/{review_id}/manager-assessment"
    service.done(service.put(MAX, path, {"answers": MANAGER_ANSWERS | {"m-rating": 5}}, version=1))
    service.hold(review_id, manager_version=1)
    assert service.events(review_id, "hold.rejected.v1")[0]["reason"] == "content-changed"


def test_an_edit_that_comes_after_the_lock_is_refused_and_kept(service: Running) -> None:
    review_id = service.review()
    service.submitted(review_id)
    service.released(review_id)
    path = f"/v1/reviews/{review_id}/manager-assessment"
    refused = service.put(MAX, path, {"answers": {"m-text": "too late"}}, version=1)
    assert (refused.status_code, refused.get_json()["code"]) == (423, "locked-released")
    kept = service.done(service.get(MAX, f"{path}/backups"))["items"]
    assert [one["kind"] for one in kept] == ["refused"]
    service.hold(review_id, fence=3)
    assert service.put(MAX, path, {"answers": MANAGER_ANSWERS}, version=1).status_code == 200


@pytest.mark.parametrize(("holder", "source"), [("release", "/signing"), ("completion", "/packets")])
def test_a_command_from_the_wrong_service_is_put_aside(service: Running, holder: str, source: str) -> None:
    review_id = service.review()
    before = service.row(review_id)
    with pytest.raises(ContractBroken):
        service.hold(review_id, holder=holder, source=source, manager_version=1)
    assert service.row(review_id) == before


def test_a_command_on_an_unknown_review_raises(service: Running) -> None:
    with pytest.raises(Exception, match="0198c0de-2000-7b20-9c3f-4d6e8f0a1b02"):
        service.hold("0198c0de-2000-7b20-9c3f-4d6e8f0a1b02", manager_version=1)


def _prepared(service: Running) -> dict[str, str]:
    """Return three reviews: submitted, submitted and never written."""
    reviews = {}
    for person in (ANNA, BEN, OLGA):
        reviews[person.id] = service.review(subject=person)
    for person in (ANNA, BEN):
        service.submitted(reviews[person.id])
    service.released(reviews[BEN.id])
    return reviews


def _commands(service: Running, reviews: dict[str, str]) -> list[Received]:
    return [
        service.command(reviews[ANNA.id], manager_version=1),
        service.command(
            reviews[BEN.id],
            source="/signing",
            holder="signature:manager",
            manager_version=1,
            self_version=0,
            manager_id=MAX.id,
        ),
        service.command(reviews[OLGA.id], manager_version=1),
        # A second record of the same key comes in a round of its own.
        service.command(reviews[ANNA.id], source="/signing", holder="completion"),
    ]


def _answers(service: Running, reviews: dict[str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the newest answer of each register."""
    told = [one for review_id in reviews.values() for one in service.events(review_id, *ANSWERS)]
    return {(one["review_id"], one["holder"]): one for one in told}


def test_a_batch_gives_the_answers_of_single_records(service: Running) -> None:
    reviews = _prepared(service)
    commands = _commands(service, reviews)
    service.apply(commands)
    answers = _answers(service, reviews)
    assert answers[reviews[ANNA.id], "release"]["type"] == "hold.granted.v1"
    assert answers[reviews[BEN.id], "signature:manager"]["reason"] == "self-assessment-not-shared"
    assert answers[reviews[OLGA.id], "release"]["reason"] == "content-changed"
    assert answers[reviews[ANNA.id], "completion"]["type"] == "hold.granted.v1"
    singly = {one: service.row(one) for one in reviews.values()}
    for command in commands:
        service.apply([service.received(command.type, command.data, source=command.source)])
    assert _answers(service, reviews) == answers
    volatile = {"event_sequence"}
    assert {key: {k: v for k, v in row.items() if k not in volatile} for key, row in singly.items()} == {
        one: {k: v for k, v in service.row(one).items() if k not in volatile} for one in reviews.values()
    }


def test_answers_of_a_batch_name_their_own_causes(service: Running) -> None:
    reviews = _prepared(service)
    commands = _commands(service, reviews)[:3]
    service.apply(commands)
    query = "select key, headers from outbox where type like 'hold.%' order by id desc limit 3"
    causes = {row["key"]: row["headers"]["ce_causationid"] for row in service.rows(query)}
    assert causes == {one.key: str(one.id) for one in commands}


def test_events_of_a_review_are_numbered_without_a_gap(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    service.submitted(review_id)
    service.released(review_id)
    service.hold(review_id, source="/signing", holder="signature:employee", manager_version=1, self_version=1)
    headers = [
        row["headers"] for row in service.rows("select headers from outbox where key = :k order by id", k=review_id)
    ]
    assert [int(one["ce_sequence"]) for one in headers] == list(range(1, len(headers) + 1))


def test_a_hold_over_another_snapshot_than_a_signature_is_rejected(service: Running) -> None:
    review_id = service.review()
    service.shared(review_id)
    service.submitted(review_id)
    service.released(review_id)
    service.hold(review_id, source="/signing", holder="signature:employee", manager_version=1, self_version=1)
    service.hold(review_id, fence=3)
    service.hold(review_id, fence=4, epoch=2, manager_version=1, snapshot_hash=OTHER_SNAPSHOT)
    assert service.events(review_id, *ANSWERS)[-1]["reason"] == "signed-other-snapshot"
    service.hold(review_id, fence=6, epoch=3, manager_version=1, snapshot_hash=SNAPSHOT)
    assert service.events(review_id, *ANSWERS)[-1]["type"] == "hold.granted.v1"
    locked = service.post(HELEN, f"/v1/reviews/{review_id}/self-assessment/waive", {"reason": "x"})
    assert (locked.status_code, locked.get_json()["code"]) == (423, "locked-signed")
    assert json.dumps(locked.get_json()["holders"]) == '["signature:employee"]'
