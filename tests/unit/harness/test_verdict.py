"""The judge complains: each rule, given evidence that breaks it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from harness.observer import Written
from harness.verdict import Evidence, facts, locked_spans, mail_id, repeats, violations

if TYPE_CHECKING:
    from collections.abc import Mapping

R = "r-1"
HASH = "sha256:aa"
_offsets = count()


def written(source: str, number: int, kind: str, *, ce_id: str = "", **data: Any) -> Written:
    offset = next(_offsets)
    headers = {
        "ce_id": ce_id or f"{source}-{number}",
        "ce_source": source,
        "ce_type": kind,
        "ce_sequence": f"{number:012d}",
    }
    body = json.dumps({"review_id": R, **data}).encode()
    return Written(
        topic=f"topic{source}", partition=0, offset=offset, written_ms=offset, key=R, headers=headers, body=body
    )


def command(number: int, fence: int, want: str = "held") -> Written:
    return written("/packets", number, "hold.requested.v1", holder="release", fence=fence, epoch=fence // 2, want=want)


def answer(number: int, kind: str, fence: int) -> Written:
    return written("/assessment", number, f"hold.{kind}.v1", holder="release", fence=fence)


def released(number: int, epoch: int) -> Written:
    return written("/packets", number, "packet.released.v1", epoch=epoch)


def packet(**values: Any) -> Mapping[str, Any]:
    row = {
        "state": "released",
        "epoch": 1,
        "snapshot_hash": HASH,
        "snapshot_manager_version": 1,
        "manager_version": 1,
        "snapshot_content_hash": "c1",
        "snapshot_selection_version": 1,
        "selection_version": 1,
        "snapshot_rating_version": 0,
        "rating_version": 0,
        "event_sequence": 2,
    }
    return {**row, **values}


def review(**values: Any) -> Mapping[str, Any]:
    row = {
        "manager_version": 1,
        "manager_hash": "c1",
        "release_held": True,
        "release_epoch": 1,
        "release_snapshot_hash": HASH,
        "signature_employee_held": True,
        "signature_employee_snapshot_hash": HASH,
        "signature_manager_held": False,
        "completion_held": False,
        "event_sequence": 1,
    }
    return {**row, **values}


def record(**values: Any) -> Mapping[str, Any]:
    row = {
        "employee_state": "signed",
        "employee_snapshot_hash": HASH,
        "manager_state": "none",
        "completion_state": "none",
        "event_sequence": 0,
    }
    return {**row, **values}


def delivery(**values: Any) -> Mapping[str, Any]:
    row = {
        "recipient_id": "p",
        "template": "released",
        "review_id": R,
        "occasion": "1",
        "state": "sent",
        "reason": None,
    }
    return {**row, **values}


MAIL = mail_id(f"p:released:{R}:1")


def sound() -> Evidence:
    """One release, granted, with one signature and one mail."""
    return Evidence(
        packets={R: packet()},
        reviews={R: review()},
        signatures={R: record()},
        boards={R: {"event_sequence": 0}},
        records=[command(1, 2), answer(1, "granted", 2), released(2, 1)],
        deliveries=[delivery()],
        mails={MAIL: 1},
    )


def with_rows(**rows: Mapping[str, Any]) -> Evidence:
    changes: dict[str, Any] = {name: {R: row} for name, row in rows.items()}
    return replace(sound(), **changes)


def test_sound_evidence_breaks_no_rule() -> None:
    assert violations(sound()) == []


def test_a_completed_review_whose_register_is_held_breaks_no_rule() -> None:
    assert (
        violations(with_rows(signatures=record(completion_state="signed"), reviews=review(completion_held=True))) == []
    )


@pytest.mark.parametrize(("state", "held"), [("signed", False), ("none", True)])
def test_a_completion_and_its_register_that_disagree_are_found(state: str, *, held: bool) -> None:
    assert violations(with_rows(signatures=record(completion_state=state), reviews=review(completion_held=held)))


def test_a_record_that_was_sent_twice_breaks_no_rule() -> None:
    evidence = sound()
    twice = replace(evidence, records=[*evidence.records, released(2, 1)])
    assert violations(twice) == []
    assert repeats(twice.records) == 1
    assert len(facts(twice.records, "packet.released.v1")) == 1


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (with_rows(packets=packet(state="releasing"), reviews=review(release_held=False)), "hangs in releasing"),
        (with_rows(signatures=record(manager_state="pending")), "hangs in pending"),
        (with_rows(packets=packet(state="ready")), "its register held is True"),
        (with_rows(reviews=review(release_held=False)), "its register held is False"),
        (with_rows(reviews=review(release_epoch=2)), "released with epoch 1, held with 2"),
        (with_rows(reviews=review(release_snapshot_hash="sha256:bb")), "released with snapshot_hash"),
        (with_rows(reviews=review(manager_version=2)), "released with manager version 1, current is 2"),
        (with_rows(reviews=review(manager_hash="c2")), "released with content c1, current is c2"),
        (with_rows(packets=packet(rating_version=1)), "released with rating"),
        (with_rows(reviews=review(signature_employee_held=False)), "the employee has signed is True"),
        (with_rows(signatures=record(employee_snapshot_hash="sha256:bb")), "than the employee signed"),
        (with_rows(reviews=review(completion_held=True)), "completion is none"),
        (with_rows(packets=packet(event_sequence=3)), "not (or not only) sent are [3]"),
        (with_rows(boards={"event_sequence": 1}), "/notifications counted 1"),
    ],
)
def test_rows_that_contradict_each_other_are_found(evidence: Evidence, words: str) -> None:
    assert any(words in wrong for wrong in violations(evidence))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([released(3, 1)], "not sent"),
        ([written("/packets", 2, "packet.released.v1", ce_id="another", epoch=1)], "sent 2 records numbered 2"),
        ([written("/packets", 2, "packet.released.v1", ce_id="another", epoch=1)], "ended ['released', 'released']"),
        ([command(3, 4)], "the release of epoch 2 ended never"),
        ([released(3, 7)], "epoch 7 ended ['released'] and was never asked for"),
        ([answer(2, "rejected", 2)], "two outcomes"),
        ([answer(2, "released", 1)], "answered fence 1 after 2"),
        ([written("/assessment", 2, "manager-assessment.revised.v1")], "while the release register was held"),
    ],
)
def test_records_that_contradict_the_rules_are_found(more: list[Written], words: str) -> None:
    evidence = sound()
    found = violations(replace(evidence, records=[*evidence.records, *more]))
    assert any(words.replace("not sent", "sent are [3]") in wrong for wrong in found)


def test_records_in_the_wrong_order_are_found() -> None:
    second = replace(released(2, 1), topic="t", offset=1)
    first = replace(command(1, 2), topic="t", offset=2)
    found = violations(replace(sound(), records=[second, answer(1, "granted", 2), first]))
    assert any("numbered 1 came after 2 in t" in wrong for wrong in found)


@pytest.mark.parametrize(
    ("deliveries", "mails", "words"),
    [
        ([delivery()], {MAIL: 2}, "2 mails"),
        ([delivery()], {}, "0 mails"),
        ([delivery(state="suppressed")], {MAIL: 1}, "1 mails"),
        ([delivery(state="sending")], {}, "hangs in sending"),
        ([delivery(state="failed", reason="refused-by-server")], {MAIL: 1}, "1 mails"),
    ],
)
def test_a_mail_too_many_or_too_few_is_found(deliveries: list[Any], mails: dict[str, int], words: str) -> None:
    found = violations(replace(sound(), deliveries=deliveries, mails=mails))
    assert any(words in wrong for wrong in found)


def test_what_was_put_aside_is_found() -> None:
    assert violations(replace(sound(), put_aside={"packets's dead letters": 2, "signing's dead letters": 0})) == [
        "2 records put aside in packets's dead letters"
    ]


def test_an_edit_between_two_locks_breaks_no_rule() -> None:
    told = [
        answer(1, "granted", 2),
        answer(2, "released", 3),
        written("/assessment", 3, "manager-assessment.revised.v1"),
        answer(4, "granted", 4),
    ]
    assert dict(locked_spans(told)) == {R: [(1, 2), (4, 2**62)]}
    wrongs = violations(replace(sound(), records=told, reviews={R: review(event_sequence=4)}))
    assert not any("while the release register" in wrong for wrong in wrongs)
