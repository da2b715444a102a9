"""Each check of the demo finds what it is there to find."""

from __future__ import annotations

import json
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from weasyprint import HTML

from harness.demo_checks import (
    broken_contracts,
    differing_pdfs,
    disagreements,
    others_named,
    out_of_order,
    planted,
    same_again,
    unread,
    wrong_mails,
    wrong_pdfs,
    wrong_words,
)
from harness.demo_story import SHOWN
from harness.observer import Written
from harness.people import ANNA, MAX

REVIEW = "0192f7a0-0000-7000-8000-000000000001"
HASH = "sha256:" + "a" * 64
PRINTED = (
    "Anna Author Max Manager Results: three weeks early, like a scarlet kestrel. Growth: and a lilac hedgehog. "
    "3 meets on the scale from 1 to 5: 2 below 3 meets 4 above"
)


def as_pdf(words: str) -> bytes:
    body: bytes = HTML(string=f"<p>{words}</p>").write_pdf()
    return body


def record(
    kind: str = "packet.viewed.v1", *, sequence: int = 1, key: str = REVIEW, data: dict[str, Any] | None = None
) -> Written:
    headers = {"ce_id": f"event-{sequence}", "ce_source": "/packets", "ce_sequence": f"{sequence:020}"}
    return Written(
        topic="reviews.packets.v1",
        partition=0,
        offset=sequence,
        written_ms=0,
        key=key,
        headers={**headers, "ce_type": kind, "ce_subject": key},
        body=json.dumps({"review_id": REVIEW} if data is None else data).encode(),
    )


def mail(
    to: str = ANNA.email, subject: str = "Your review has begun", words: str = "Hello Anna Author"
) -> EmailMessage:
    message = EmailMessage(policy=default)
    message["To"], message["Subject"], message["Message-ID"] = to, subject, f"<{to}{subject}>"
    message.set_content(words)
    return message


def test_a_record_that_breaks_its_schema_is_found() -> None:
    (found,) = broken_contracts([record(data={"review_id": REVIEW, "comment": "good"})])

    assert "packet.viewed.v1" in found
    assert "good" not in found


def test_no_records_at_all_are_found() -> None:
    assert [*broken_contracts([])] == ["there are no records at all"]


def test_a_record_that_overtook_another_of_its_key_is_found() -> None:
    assert [*out_of_order([record(sequence=1), record(sequence=2), record(sequence=2), record(key="other")])] == []
    assert len([*out_of_order([record(sequence=2), record(sequence=1)])]) == 1


def test_a_reading_that_was_not_recorded_is_found() -> None:
    read = [record("self-assessment.read.v1"), record(), record(sequence=2)]

    assert [*unread(read)] == []
    assert len([*unread(read[1:])]) == 1
    assert len([*unread(read[:2])]) == 1


def test_a_planted_phrase_is_found_and_not_repeated() -> None:
    (found,) = planted(["cobalt heron"], [("here", "nothing"), ("there", "a cobalt heron flew")])

    assert found.startswith("there")
    assert "heron" not in found


def test_a_mail_that_names_somebody_else_is_found() -> None:
    assert [*others_named([mail()])] == []
    assert [*others_named([mail(words=f"Hello Anna Author, {MAX.name} has written")])] == ["mail 1: names p-max"]


@pytest.mark.parametrize(
    "text",
    [
        PRINTED.replace("Growth", ""),
        PRINTED.replace("3 meets on", "4 above on"),
        PRINTED + " 4 above on the scale from 1 to 5",
        PRINTED + " Considered for promotion by the ochre marten.",
        PRINTED + " said the tangerine badger",
    ],
)
def test_a_packet_that_shows_too_little_or_too_much_is_found(text: str) -> None:
    assert [*wrong_words(PRINTED, SHOWN)] == []
    assert [*wrong_words(text, SHOWN)]


def test_downloads_that_differ_are_found() -> None:
    right = {"manager": b"0", "first": b"1", "again": b"1", "second": b"2"}

    assert [*differing_pdfs(right)] == []
    for which, wrong in (("manager", b"1"), ("again", b"3"), ("second", b"1")):
        assert len([*differing_pdfs({**right, which: wrong})]) == 1


def test_a_released_packet_that_says_it_is_a_draft_is_found_and_a_preview_that_does_not() -> None:
    draft, released = (as_pdf(PRINTED + words) for words in (" Draft, not released", ""))
    right = {"manager": draft, "first": released, "second": released}
    differing = [each for each in wrong_pdfs(right) if "draft" in each]

    assert differing == []
    for which, wrong in (("manager", released), ("first", draft), ("second", draft)):
        assert len([each for each in wrong_pdfs({**right, which: wrong}) if "draft" in each]) == 1


def test_a_corrected_packet_with_the_old_hash_or_epoch_is_found() -> None:
    assert [*same_again(["a", "b"], [1, 2])] == []
    assert len([*same_again(["a", "a"], [1, 2])]) == 1
    assert len([*same_again(["a", "b"], [2, 2])]) == 1


def test_locks_that_disagree_with_states_are_found() -> None:
    agreed = rows()
    assert [*disagreements(*agreed)] == []
    for service, path, value in (
        (0, ("registers", "release", "held"), False),
        (0, ("registers", "release", "epoch"), 2),
        (0, ("registers", "completion", "held"), False),
        (0, ("manager_version",), 2),
        (1, ("state",), "with_manager"),
        (2, ("registers", "signature:employee", "state"), "none"),
        (2, ("registers", "signature:manager", "snapshot_hash"), "sha256:other"),
    ):
        changed = rows()
        place = changed[service][REVIEW]
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        assert [*disagreements(*changed)], path


def test_a_review_that_a_service_does_not_know_is_found() -> None:
    assessment, packets, _ = rows()

    assert [*disagreements(assessment, packets, {})] == ["not every service knows every review"]


def test_mails_that_are_missing_too_many_or_repeated_are_found() -> None:
    wanted = {("kick-off", ANNA.id): 1}

    assert [*wrong_mails(wanted, [mail()])] == []
    assert len([*wrong_mails(wanted, [])]) == 1
    assert len([*wrong_mails(wanted, [mail(), mail(to=MAX.email)])]) == 1
    assert len([*wrong_mails({("kick-off", ANNA.id): 2}, [mail(), mail()])]) == 1


def rows() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    holders = ("signature:employee", "signature:manager", "completion")
    held = {"held": True, "epoch": 1, "snapshot_hash": HASH}
    registers = {name: dict(held) for name in ("release", *holders)}
    packet = {"state": "released", "epoch": 1, "snapshot_hash": HASH, "manager_version": 1}
    signed = {name: {"state": "signed", "snapshot_hash": HASH} for name in holders}
    assessment = {"manager_version": 1, "registers": registers}
    return {REVIEW: assessment}, {REVIEW: packet}, {REVIEW: {"registers": signed}}
