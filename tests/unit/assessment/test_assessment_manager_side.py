from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from assessment.domain import facts, reassignment
from assessment.domain import manager_assessment as managers
from assessment.domain import self_assessment as mine
from assessment.domain.ids import PersonId, QuestionId
from assessment.domain.questionnaire import AnswerProblem
from assessment.domain.refusals import Refusal
from assessment.domain.registers import Holder
from assessment.domain.review import CycleSettings, ManagerState, Review, SelfState, SelfVisibility
from unit.assessment.assessment_states import (
    BEFORE,
    HR,
    HR_BELOW,
    MANAGER,
    MANAGER_AND_HR,
    MAX,
    Q1,
    Q2,
    RELATIONS,
    TOM,
    TOO_LATE,
    a_directory,
    a_person,
    a_review,
    codes,
)

if TYPE_CHECKING:
    from assessment.domain.people import Relation

DRAFT = a_review(manager_state=ManagerState.DRAFT)
SUBMITTED = a_review(manager_state=ManagerState.SUBMITTED)
DIRECTORY = a_directory(boss=None, max="boss", tom="boss", eve="max", ida="eve", hanna="boss")


def save(
    review: Review, rel: Relation = MANAGER, **inputs: object
) -> tuple[Review, tuple[facts.ManagerAssessmentRevised, ...]]:
    given: dict[str, object] = {"expected": review.manager_version, "now": BEFORE, "content_hash": "new", **inputs}
    return managers.save(review, rel, **given)  # type: ignore[arg-type]


def refusal_of_save(review: Review, rel: Relation = MANAGER, **inputs: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        save(review, rel, **inputs)
    return caught.value


@pytest.mark.parametrize("state", [ManagerState.NONE, ManagerState.DRAFT])
def test_the_manager_saves_a_draft_silently(state: ManagerState) -> None:
    before = a_review(manager_state=state)
    after, told = save(before, missing=(Q1,))
    assert told == ()
    assert (after.manager_state, after.manager_version, after.manager_hash) == (
        ManagerState.DRAFT,
        before.manager_version + 1,
        "new",
    )
    assert after.self_version == before.self_version


@pytest.mark.parametrize(("rel", "by_role"), [(MANAGER, "manager"), (HR, "hr_admin"), (MANAGER_AND_HR, "manager")])
def test_an_edit_after_submission_is_a_new_version_and_a_fact(rel: Relation, by_role: str) -> None:
    after, told = save(SUBMITTED, rel, changed_question_ids=(Q2,), now=TOO_LATE)
    assert (after.manager_state, after.manager_version) == (ManagerState.SUBMITTED, 4)
    assert told == (
        facts.ManagerAssessmentRevised(
            review_id=SUBMITTED.review_id,
            manager_version=4,
            content_hash="new",
            changed_question_ids=(Q2,),
            by_role=by_role,
        ),
    )


@pytest.mark.parametrize(
    ("state", "rel", "changed", "refused"),
    [
        (ManagerState.SUBMITTED, MANAGER, (Q1, Q2), True),
        (ManagerState.SUBMITTED, MANAGER_AND_HR, (Q2,), True),
        (ManagerState.SUBMITTED, MANAGER, (Q1,), False),
        (ManagerState.SUBMITTED, HR, (Q2,), False),
        # HR has reopened it, and packets has not told yet that the calibration is stale.
        (ManagerState.DRAFT, MANAGER, (Q2,), False),
    ],
)
def test_a_rating_that_is_calibrated_is_changed_by_hr_only(
    state: ManagerState, rel: Relation, changed: tuple[QuestionId, ...], *, refused: bool
) -> None:
    review = a_review(manager_state=state, settings=CycleSettings(rating_question_ids=(Q2,)))
    assert save(review, rel, changed_question_ids=changed)[0].manager_version == 4
    if not refused:
        assert save(review, rel, changed_question_ids=changed, calibrated=True)[0].manager_version == 4
        return
    refusal = refusal_of_save(review, rel, changed_question_ids=changed, calibrated=True)
    assert (refusal.code, refusal.keep_backup) == ("rating-calibrated", True)
    assert refusal.params == {"question_ids": [Q2]}


SAVE_REFUSED: dict[str, tuple[Review, dict[str, object], bool]] = {
    "not-started": (replace(DRAFT, started=False), {}, True),
    "review-cancelled": (replace(DRAFT, cancelled=True), {}, True),
    "cycle-closed": (replace(DRAFT, cycle_closed=True), {}, True),
    "locked-released": (a_review(manager_state=ManagerState.SUBMITTED, held=(Holder.RELEASE,)), {}, True),
    "locked-signed": (a_review(held=(Holder.SIGNATURE_EMPLOYEE,)), {}, True),
    "deadline-passed": (DRAFT, {"now": TOO_LATE}, True),
    "version-missing": (DRAFT, {"expected": None}, False),
    "stale-version": (DRAFT, {"expected": 2}, True),
    "answers-invalid": (DRAFT, {"problems": (AnswerProblem(question_id=Q1, code="wrong-kind"),)}, False),
    "answers-missing": (SUBMITTED, {"missing": (Q1,)}, False),
}


@pytest.mark.parametrize("code", SAVE_REFUSED)
def test_a_save_is_refused_and_its_text_kept_where_it_would_be_lost(code: str) -> None:
    review, inputs, kept = SAVE_REFUSED[code]
    refusal = refusal_of_save(review, **inputs)  # type: ignore[arg-type]
    assert (refusal.code, refusal.keep_backup) == (code, kept)


@pytest.mark.parametrize(
    ("name", "on_draft", "on_submitted"),
    [
        ("employee", "not-found", "not-found"),
        ("outsider", "not-found", "not-found"),
        ("assistant", "forbidden-role", "forbidden-role"),
        ("hr", "not-found", None),
        ("hr-below", "self-dealing", "self-dealing"),
        ("hr-unknown", "unknown-person", "unknown-person"),
    ],
)
def test_who_else_may_write(name: str, on_draft: str, on_submitted: str | None) -> None:
    rel = RELATIONS[name]
    assert [reason.code for reason in managers.unmet_save(DRAFT, rel, now=TOO_LATE)] == [on_draft]
    expected = [] if on_submitted is None else [on_submitted]
    assert [reason.code for reason in managers.unmet_save(SUBMITTED, rel, now=TOO_LATE)] == expected


@pytest.mark.parametrize(
    ("name", "on_draft", "on_submitted"),
    [
        ("employee", "not-found", "not-found"),
        ("manager", None, None),
        ("manager-and-hr", None, None),
        ("outsider", "not-found", "not-found"),
        ("assistant", "forbidden-role", "forbidden-role"),
        ("hr", "not-found", None),
        ("hr-below", "not-found", "not-found"),
        ("hr-unknown", "unknown-person", "unknown-person"),
    ],
)
def test_who_may_read(name: str, on_draft: str | None, on_submitted: str | None) -> None:
    for review, code in ((DRAFT, on_draft), (SUBMITTED, on_submitted)):
        for held in ((), (Holder.RELEASE,), (Holder.RELEASE, Holder.COMPLETION)):
            locked = replace(review, registers=a_review(held=held).registers)
            told = [reason.code for reason in managers.unmet_read(locked, RELATIONS[name])]
            assert told == ([] if code is None else [code])


def test_an_autosave_is_taken_from_the_manager_only() -> None:
    taken = {name for name, rel in RELATIONS.items() if not managers.unmet_autosave(rel)}
    assert taken == {"manager", "manager-and-hr"}


@pytest.mark.parametrize(("read_version", "unread"), [(None, True), (1, True), (2, False)])
def test_submitting_warns_when_the_newest_self_assessment_is_unread(read_version: int | None, *, unread: bool) -> None:
    review = a_review(self_state=SelfState.SHARED, self_read_version=read_version)
    after, told = managers.submit(review, MANAGER, now=BEFORE, missing=())
    assert after.manager_state is ManagerState.SUBMITTED
    assert told == (
        facts.ManagerAssessmentSubmitted(
            review_id=review.review_id,
            manager_version=3,
            content_hash="manager-3",
            visible_self_version=2,
            newest_self_unread=unread,
        ),
    )


def test_submitting_opens_a_hidden_self_assessment_which_was_no_reason_to_warn() -> None:
    hiding = CycleSettings(self_visibility=SelfVisibility.AFTER_MANAGER_SUBMIT)
    review = a_review(self_state=SelfState.SHARED, settings=hiding)
    submitted, (fact,) = managers.submit(review, MANAGER, now=BEFORE, missing=())
    assert (fact.visible_self_version, fact.newest_self_unread) == (2, False)
    reopened, _ = managers.reopen(submitted, HR)
    assert mine.manager_may_read_self(reopened)


def test_submitting_again_without_an_edit_is_a_new_version_of_the_same_content() -> None:
    reopened, told = managers.reopen(SUBMITTED, HR)
    assert told == (facts.ManagerAssessmentReopened(review_id=SUBMITTED.review_id, manager_version=3),)
    assert (reopened.manager_state, reopened.manager_version) == (ManagerState.DRAFT, 3)
    again, (fact,) = managers.submit(reopened, MANAGER, now=BEFORE, missing=())
    assert (again.manager_version, fact.manager_version, again.manager_hash) == (4, 4, "manager-3")


def test_submitting_after_an_edit_keeps_the_edits_version() -> None:
    reopened, _ = managers.reopen(SUBMITTED, HR)
    edited, _ = save(reopened)
    again, _ = managers.submit(edited, MANAGER, now=BEFORE, missing=())
    assert again.manager_version == edited.manager_version == 4


SUBMIT_REFUSED: dict[str, tuple[Review, dict[str, object]]] = {
    "not-started": (replace(DRAFT, started=False), {}),
    "review-cancelled": (replace(DRAFT, cancelled=True), {}),
    "cycle-closed": (replace(DRAFT, cycle_closed=True), {}),
    "nothing-to-submit": (a_review(manager_state=ManagerState.NONE), {}),
    "already-submitted": (SUBMITTED, {}),
    "deadline-passed": (DRAFT, {"now": TOO_LATE}),
    "locked-signed": (a_review(held=(Holder.SIGNATURE_MANAGER,)), {}),
    "answers-missing": (DRAFT, {"missing": (Q1, Q2)}),
}


@pytest.mark.parametrize("code", SUBMIT_REFUSED)
def test_submitting_is_refused(code: str) -> None:
    review, inputs = SUBMIT_REFUSED[code]
    with pytest.raises(Refusal) as caught:
        managers.submit(review, MANAGER, **{"now": BEFORE, "missing": (), **inputs})  # type: ignore[arg-type]
    assert caught.value.code == code


@pytest.mark.parametrize("name", [name for name, rel in RELATIONS.items() if not rel.manager])
def test_nobody_else_submits_whatever_the_state(name: str) -> None:
    code = "not-found" if name == "outsider" else "forbidden-role"
    for review in (DRAFT, SUBMITTED, replace(SUBMITTED, cancelled=True)):
        unmet = managers.unmet_submit(review, RELATIONS[name], now=TOO_LATE, missing=(Q1,))
        assert [reason.code for reason in unmet] == [code]


@pytest.mark.parametrize(
    ("name", "on_draft", "on_submitted"),
    [
        ("manager", "manager-assessment-not-submitted", "already-submitted"),
        ("manager-and-hr", "manager-assessment-not-submitted", None),
        ("hr", "manager-assessment-not-submitted", None),
        ("hr-below", "self-dealing", "self-dealing"),
        ("hr-unknown", "unknown-person", "unknown-person"),
        ("employee", "forbidden-role", "forbidden-role"),
        ("assistant", "forbidden-role", "forbidden-role"),
        ("outsider", "not-found", "not-found"),
    ],
)
def test_only_hr_reopens_what_is_submitted(name: str, on_draft: str, on_submitted: str | None) -> None:
    rel = RELATIONS[name]
    assert [reason.code for reason in managers.unmet_reopen(DRAFT, rel)] == [on_draft]
    expected = [] if on_submitted is None else [on_submitted]
    assert [reason.code for reason in managers.unmet_reopen(SUBMITTED, rel)] == expected


@pytest.mark.parametrize("holder", Holder)
def test_under_any_hold_nothing_of_the_managers_side_moves(holder: Holder) -> None:
    code = "locked-released" if holder is Holder.RELEASE else "locked-signed"
    review = a_review(manager_state=ManagerState.SUBMITTED, held=(holder,))
    for unmet in (
        managers.unmet_save(review, MANAGER, now=BEFORE),
        managers.unmet_save(review, HR, now=BEFORE),
        managers.unmet_reopen(review, HR),
        reassignment.unmet_reassign(review, HR),
        reassignment.unmet_cancel(review, HR),
    ):
        assert [reason.code for reason in unmet] == [code]
        assert unmet[0].params == {"holders": [holder]}


def reassign(review: Review, to: str, *, reason_given: bool = False, rel: Relation = HR) -> Review:
    reassigned, _ = reassignment.reassign(
        review, rel, manager_id=PersonId(to), reason_given=reason_given, directory=DIRECTORY
    )
    return reassigned


def test_hr_names_another_manager_who_has_read_nothing_yet() -> None:
    review = a_review(
        self_state=SelfState.SHARED, manager_state=ManagerState.SUBMITTED, self_read_version=2, manager_has_access=True
    )
    after, told = reassignment.reassign(review, HR, manager_id=TOM, reason_given=False, directory=DIRECTORY)
    assert (after.manager_id, after.self_read_version, after.manager_state) == (TOM, None, ManagerState.SUBMITTED)
    assert mine.manager_may_read_self(after)
    assert told == (facts.ReviewReassigned(review_id=review.review_id, manager_id=TOM, former_manager_id=MAX),)


def test_access_that_the_former_managers_submission_gave_does_not_pass_on_once_reopened() -> None:
    hiding = CycleSettings(self_visibility=SelfVisibility.AFTER_MANAGER_SUBMIT)
    review = a_review(self_state=SelfState.SHARED, settings=hiding, manager_has_access=True)
    assert mine.manager_may_read_self(review)
    assert not mine.manager_may_read_self(reassign(review, "tom", reason_given=True))


def test_an_unfinished_draft_goes_over_only_with_a_reason() -> None:
    with pytest.raises(Refusal, match="reason-missing"):
        reassign(DRAFT, "tom")
    after = reassign(DRAFT, "tom", reason_given=True)
    assert (after.manager_state, after.manager_version) == (ManagerState.DRAFT, 3)


def test_naming_the_present_manager_changes_nothing() -> None:
    assert reassignment.reassign(SUBMITTED, HR, manager_id=MAX, reason_given=True, directory=DIRECTORY) == (
        SUBMITTED,
        (),
    )


@pytest.mark.parametrize(
    ("to", "code"),
    [("eve", "reviewer-is-reviewee"), ("ida", "reporting-line-loop"), ("nobody", "unknown-participant")],
)
def test_a_manager_who_cannot_review_is_refused(to: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        reassign(SUBMITTED, to)
    assert caught.value.code == code


def test_somebody_who_has_left_is_not_named_manager() -> None:
    gone = {**DIRECTORY, TOM: a_person("tom", active=False)}
    with pytest.raises(Refusal, match="unknown-participant"):
        reassignment.reassign(SUBMITTED, HR, manager_id=TOM, reason_given=True, directory=gone)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cancelled": True}, "review-cancelled"),
        ({"cycle_closed": True}, "cycle-closed"),
        ({"started": False}, "not-started"),
    ],
)
def test_a_review_that_does_not_run_is_neither_reassigned_nor_cancelled(changes: dict[str, bool], code: str) -> None:
    review = replace(SUBMITTED, **changes)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match=code):
        reassign(review, "tom")
    with pytest.raises(Refusal, match=code):
        reassignment.cancel(review, HR)


def test_hr_who_reports_to_the_reviewee_does_nothing_and_learns_nothing() -> None:
    with pytest.raises(Refusal) as caught:
        reassign(replace(DRAFT, cancelled=True), "eve", rel=HR_BELOW)
    assert codes(caught.value) == ("self-dealing",)
    assert [reason.code for reason in reassignment.unmet_cancel(DRAFT, HR_BELOW)] == ["self-dealing"]


@pytest.mark.parametrize("name", ["employee", "manager", "assistant"])
def test_others_neither_reassign_nor_cancel(name: str) -> None:
    for unmet in (reassignment.unmet_reassign, reassignment.unmet_cancel):
        assert [reason.code for reason in unmet(DRAFT, RELATIONS[name])] == ["forbidden-role"]


def test_cancelling_keeps_everything_written() -> None:
    cancelled, told = reassignment.cancel(SUBMITTED, HR)
    assert cancelled == replace(SUBMITTED, cancelled=True)
    assert told == (facts.ReviewCancelled(review_id=SUBMITTED.review_id, cycle_id=SUBMITTED.cycle_id),)
