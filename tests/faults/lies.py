"""Lies about a history in which all is well, each of one kind, by the rule that must find it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from faults import lies_about_consent as about_consent
from faults import lies_about_mails as about_mails
from faults.forgery import (
    ANNA,
    CYCLE,
    HELEN,
    MAX,
    OLGA,
    OTHER,
    REVIEW,
    answers,
    first,
    is_call,
    is_told,
    shown,
    snapshot,
    time_of,
)
from faults.judge.reading import snapshot_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.forgery import Forgery
    from faults.judge.history import Told


def an_old_text_is_read_after_a_newer_one_was_saved(made: Forgery) -> None:
    # Under the lock, before anybody has read: only the clocks say so.
    an_edit_comes_after_a_read_though_nothing_was_taken_back(made)
    granted = [one for one in made.calls if one.act == "release"][1].ended
    made.calls[-1] = replace(made.calls[-1], began=granted, ended=granted + 0.5)


def an_edit_comes_after_a_read_though_nothing_was_taken_back(made: Forgery) -> None:
    made.call("edit", MAX, key="w3w", etag="4")
    made.rows["assessment"]["content"].append(
        {"review_id": REVIEW, "side": "manager", "version": 4, "answers": answers("w3w"), "content_hash": "w3w"}
    )


def another_answer_is_shown_than_was_locked(made: Forgery) -> None:
    _read(made, 1, questions=shown("w1w"), snapshot_hash=snapshot("w2w"))


def another_version_is_shown_than_was_locked(made: Forgery) -> None:
    _read(made, 1, manager_version=4)


def a_private_answer_is_shown(made: Forgery) -> None:
    private = {"question_id": "q2", "text": "For HR", "value": 4}
    _read(made, 1, questions=[*shown("w2w"), private])


def the_text_under_the_lock_is_not_that_of_its_hash(made: Forgery) -> None:
    # Assessment's own row and the reader agree with each other, and not with what was locked.
    row = next(one for one in made.rows["assessment"]["content"] if one["version"] == 3)
    row["answers"] = [{**answers("w2w")[0], "value": "<p>w2w: not so well done</p>"}, answers("w2w")[1]]
    changed = [{**shown("w2w")[0], "value": "<p>w2w: not so well done</p>"}]
    _read(made, 1, questions=changed)


def a_rating_is_shown_that_is_not_the_calibrated_one(made: Forgery) -> None:
    # The other review is calibrated, and was released with a rating that nobody gave.
    scale = {"lowest": 1, "highest": 5, "labels": []}
    rating = {"value": 5, "shown": "calibrated", "scale": scale}
    seen = {"questions": shown("w2w"), "rating": rating}
    digest = snapshot_hash(seen)
    _calibrated(made, digest, rating=3)
    body = {**seen, "epoch": 1, "manager_version": 1, "snapshot_hash": digest, "cycle_id": CYCLE}
    made.call("read", OLGA, review=OTHER, etag=f"{digest}.1.1.1", body={**body, "selection_version": 1})


def a_document_holds_another_text_than_its_tag_says(made: Forgery) -> None:
    made.documents["d1"] = ["w1w"]


def a_read_succeeds_after_the_unrelease_was_acknowledged(made: Forgery) -> None:
    first = next(one for one in made.calls if one.act == "read" and one.ok)
    made.change(is_call("read", 404), status=200, body=first.body)


def a_download_succeeds_after_the_unrelease_was_acknowledged(made: Forgery) -> None:
    began = time_of(made, "unrelease", end=True) + 0.1
    late = made.call("download", ANNA, etag=f"{snapshot('w1w')}.2.1.0", document="d2")
    made.documents["d2"] = ["w1w"]
    made.calls[-1] = replace(late, began=began, ended=began + 0.1)


def a_release_is_read_that_was_never_granted(made: Forgery) -> None:
    _read(made, 1, epoch=3)


def the_manager_side_is_revised_while_it_is_locked(made: Forgery) -> None:
    told = first(made, is_told("manager-assessment.revised", manager_version=3))
    _move(made, told, before=is_told("packet.released", epoch=2))


def the_self_side_changes_under_a_signature(made: Forgery) -> None:
    told = made.tell("/assessment", "self-assessment.waived")
    made.row("assessment", "review")["event_sequence"] += 1
    _move(made, told, before=is_told("hold.released", holder="signature:employee"))


def another_snapshot_is_granted_under_a_signature(made: Forgery) -> None:
    signed = is_told("hold.granted", holder="signature:employee")
    _move(made, first(made, signed), before=is_told("hold.granted", holder="release", fence=4))
    freed = is_told("hold.released", holder="signature:employee")
    _move(made, first(made, freed), before=is_told("packet.released", epoch=2))


def something_is_released_without_its_grant(made: Forgery) -> None:
    made.change(is_told("packet.released", epoch=1), data={"epoch": 1, "snapshot_hash": "another"})


def something_is_signed_without_its_grant(made: Forgery) -> None:
    made.change(
        is_told("signature.completed"), data={"signer_role": "employee", "fence": 4, "snapshot_hash": snapshot("w1w")}
    )


def what_is_released_is_not_held(made: Forgery) -> None:
    made.row("assessment", "review")["release_held"] = False


def what_is_released_is_held_at_another_epoch(made: Forgery) -> None:
    made.row("assessment", "review")["release_epoch"] = 1


def what_is_released_is_not_the_current_version(made: Forgery) -> None:
    made.row("assessment", "review")["manager_version"] = 4


def a_released_packet_has_another_selection_than_its_row(made: Forgery) -> None:
    made.row("packets", "packets")["selection_version"] = 2


def somebody_has_signed_and_nothing_is_held(made: Forgery) -> None:
    made.row("signing", "record")["employee_state"] = "signed"


def what_was_signed_has_changed(made: Forgery) -> None:
    made.row("signing", "record").update(
        employee_state="signed", employee_snapshot_hash=snapshot("w2w"), employee_manager_version=3
    )
    made.row("assessment", "review").update(
        signature_employee_held=True, signature_employee_snapshot_hash=snapshot("w2w"), self_version=2
    )
    made.row("signing", "record")["employee_self_version"] = 1


def an_outcome_changes(made: Forgery) -> None:
    told = made.tell("/assessment", "hold.rejected", holder="release", fence=4, reason="content-changed")
    made.row("assessment", "review")["event_sequence"] += 1
    assert told.number == made.row("assessment", "review")["event_sequence"]


def a_fence_goes_down(made: Forgery) -> None:
    made.tell("/assessment", "hold.released", holder="release", fence=3)
    made.row("assessment", "review")["event_sequence"] += 1


def a_record_was_never_sent(made: Forgery) -> None:
    made.drop(is_told("packet.rebuilt"))


def a_record_has_no_committed_change(made: Forgery) -> None:
    made.tell("/packets", "packet.viewed", epoch=2)


def a_number_was_used_twice(made: Forgery) -> None:
    one = first(made, is_told("packet.rebuilt"))
    made.records.append(replace(one, id="another", offset=len(made.records)))
    # At its place in the order, so that nothing else is wrong with it.
    made.records.sort(key=lambda each: (each.number, each.offset))
    made.records = [replace(each, offset=number) for number, each in enumerate(made.records)]


def an_attempt_ends_twice(made: Forgery) -> None:
    made.tell("/packets", "packet.release-failed", epoch=2, reason="content-changed")
    made.row("packets", "packets")["event_sequence"] += 1


def records_change_places(made: Forgery) -> None:
    one, other = first(made, is_told("packet.rebuilt")), first(made, is_told("packet.released", epoch=2))
    made.change(lambda each: each is one, offset=other.offset)
    made.change(lambda each: each is other, offset=one.offset)


def a_review_is_locked_in_vain(made: Forgery) -> None:
    made.row("assessment", "review", OTHER)["release_held"] = True


def a_signature_register_is_held_in_vain(made: Forgery) -> None:
    made.row("assessment", "review", OTHER)["signature_manager_held"] = True


def a_release_hangs(made: Forgery) -> None:
    made.row("packets", "packets", OTHER)["state"] = "releasing"


def a_signature_hangs(made: Forgery) -> None:
    made.row("signing", "record")["manager_state"] = "pending"


def an_acknowledged_command_was_not_done(made: Forgery) -> None:
    made.call("reopen", HELEN, 200, review=OTHER, key="reopen-1", body={"state": "draft"})


def an_unrelease_was_acknowledged_and_is_nowhere(made: Forgery) -> None:
    # As if it stood already; but nobody ever took this epoch back.
    made.call("unrelease", HELEN, 202, key="unrelease-2", body={"state": "unreleasing", "epoch": 2})


def an_acknowledged_text_is_not_kept(made: Forgery) -> None:
    save = made.call("edit", MAX, review=OTHER, key="w5w", etag="2")
    assert save.ok


def a_command_was_done_twice_under_one_key(made: Forgery) -> None:
    call = next(one for one in made.calls if one.act == "unrelease")
    made.audit("packets", call)


def a_repeat_was_answered_otherwise(made: Forgery) -> None:
    call = next(one for one in made.calls if one.act == "unrelease")
    made.calls.append(replace(call, trace="again", body={**call.body, "epoch": 0}))


def a_text_is_kept_twice(made: Forgery) -> None:
    made.rows["assessment"]["content"].append(
        {"review_id": REVIEW, "side": "manager", "version": 5, "answers": answers("w2w"), "content_hash": "x"}
    )


def a_refused_command_was_done(made: Forgery) -> None:
    refused = made.call("reopen", HELEN, 423, key="reopen-1", body={"code": "locked-released"})
    made.audit("assessment", refused)
    made.tell("/assessment", "manager-assessment.reopened", review=OTHER, cause=refused.trace)
    made.row("assessment", "review", OTHER)["event_sequence"] += 1


def a_refused_text_is_kept(made: Forgery) -> None:
    made.rows["assessment"]["content"].append(
        {"review_id": REVIEW, "side": "manager", "version": 4, "answers": answers("w9w"), "content_hash": "w9w"}
    )


def an_act_was_done_and_nothing_told_of_it(made: Forgery) -> None:
    made.change(is_told("signature.requested"), cause="somebody-else")


def a_record_was_put_aside(made: Forgery) -> None:
    made.rows["signing"]["dead_letter"] = [{"type": "hold.granted.v1"}]


def it_was_never_at_rest(made: Forgery) -> None:
    made.settled_s = None


LIES = {
    "F1": (
        an_old_text_is_read_after_a_newer_one_was_saved,
        an_edit_comes_after_a_read_though_nothing_was_taken_back,
    ),
    "F2": (
        another_answer_is_shown_than_was_locked,
        another_version_is_shown_than_was_locked,
        a_private_answer_is_shown,
        the_text_under_the_lock_is_not_that_of_its_hash,
        a_rating_is_shown_that_is_not_the_calibrated_one,
        a_document_holds_another_text_than_its_tag_says,
    ),
    "F3": (
        a_read_succeeds_after_the_unrelease_was_acknowledged,
        a_download_succeeds_after_the_unrelease_was_acknowledged,
        about_consent.a_read_succeeds_after_many_were_taken_back,
    ),
    "F4": (the_self_side_changes_under_a_signature, what_was_signed_has_changed),
    "S1": (
        something_is_released_without_its_grant,
        what_is_released_is_not_held,
        what_is_released_is_held_at_another_epoch,
    ),
    "S2": (what_is_released_is_not_the_current_version, a_released_packet_has_another_selection_than_its_row),
    "S3": (
        another_snapshot_is_granted_under_a_signature,
        something_is_signed_without_its_grant,
        somebody_has_signed_and_nothing_is_held,
    ),
    "S4": (the_manager_side_is_revised_while_it_is_locked,),
    "S5": (a_release_is_read_that_was_never_granted,),
    "S6": (an_outcome_changes, a_fence_goes_down),
    "S7": (
        a_record_was_never_sent,
        a_record_has_no_committed_change,
        a_number_was_used_twice,
        an_attempt_ends_twice,
        an_act_was_done_and_nothing_told_of_it,
    ),
    "S8": (records_change_places,),
    "E1": (a_review_is_locked_in_vain, a_signature_register_is_held_in_vain),
    "R1": about_consent.RELEASED_UNASKED,
    "E2": (a_release_hangs, about_consent.a_command_for_many_hangs, about_consent.a_packet_of_many_is_forgotten),
    "E3": (a_signature_hangs,),
    "N1": (
        about_mails.a_mail_went_out_long_after_its_release_was_taken_back,
        about_mails.a_mail_went_out_about_what_was_never_released,
        *about_mails.BY_THE_DECISION,
    ),
    "N2": (
        about_mails.a_mail_went_out_twice,
        about_mails.a_mail_went_out_that_nothing_called_for,
        about_mails.a_suppressed_mail_went_out,
    ),
    "lost": (
        an_acknowledged_command_was_not_done,
        an_unrelease_was_acknowledged_and_is_nowhere,
        an_acknowledged_text_is_not_kept,
        about_mails.a_mail_that_is_said_to_be_sent_never_came,
    ),
    "twice": (a_command_was_done_twice_under_one_key, a_repeat_was_answered_otherwise, a_text_is_kept_twice),
    "undone": (a_refused_command_was_done, a_refused_text_is_kept),
    "aside": (a_record_was_put_aside,),
    "quiet": (it_was_never_at_rest,),
}


# -- inside ------------------------------------------------------------------------------------------------------------


def _read(made: Forgery, nth: int, **words: Any) -> None:
    reads = [one for one in made.calls if one.act == "read" and one.ok]
    body = {**reads[nth].body, **words}
    made.change(lambda one: one is reads[nth], body=body)


def _move(made: Forgery, told: Told, *, before: Callable[[Any], bool]) -> None:
    """Put a record before another one: in its source's numbers and in its partition."""
    records = [one for one in made.records if one is not told]
    at = next(index for index, one in enumerate(records) if before(one))
    records.insert(at, told)
    ours = [one for one in records if (one.source, one.review) == (told.source, told.review)]
    numbers = {id(one): number for number, one in enumerate(ours, start=1)}
    made.records = [
        replace(one, offset=offset, number=numbers.get(id(one), one.number)) for offset, one in enumerate(records)
    ]


def _calibrated(made: Forgery, digest: str, *, rating: int) -> None:
    """Let the other review be calibrated and its packet be released."""
    hold = {"holder": "release", "fence": 2, "epoch": 1, "manager_version": 1, "snapshot_hash": digest}
    made.call("release", MAX, 202, review=OTHER, key="release-other", body={"state": "releasing", "epoch": 1})
    made.tell("/packets", "hold.requested", review=OTHER, want="held", holder="release", fence=2, epoch=1)
    made.tell("/assessment", "hold.granted", review=OTHER, cause="", **hold)
    made.tell("/packets", "packet.released", review=OTHER, epoch=1, snapshot_hash=digest)
    held = {"release_held": True, "release_epoch": 1, "release_snapshot_hash": digest, "calibration_required": True}
    made.row("assessment", "review", OTHER).update(event_sequence=2, manager_version=1, manager_hash="x", **held)
    released = {"state": "released", "epoch": 1, "snapshot_hash": digest, "snapshot_manager_version": 1}
    made.row("packets", "packets", OTHER).update(event_sequence=2, snapshot_content_hash="x", **released)
    content = {"review_id": OTHER, "side": "manager", "version": 1, "answers": answers("w2w"), "content_hash": "x"}
    made.rows["assessment"]["content"].append(content)
    made.rows["packets"]["calibration_ratings"] = [{"review_id": OTHER, "rating_version": 1, "new": str(rating)}]
