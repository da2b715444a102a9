from __future__ import annotations

from dataclasses import replace

import pytest

from assessment.domain import facts
from assessment.domain import self_assessment as mine
from assessment.domain.people import HrRight, Relation
from assessment.domain.questionnaire import AnswerProblem
from assessment.domain.refusals import Refusal
from assessment.domain.registers import Holder
from assessment.domain.review import CycleSettings, ManagerState, Review, SelfState, SelfVisibility
from unit.assessment.assessment_states import (
    ASSISTANT,
    BEFORE,
    EMPLOYEE,
    HR,
    HR_BELOW,
    HR_UNKNOWN,
    LATE,
    MANAGER,
    MANAGER_AND_HR,
    OUTSIDER,
    Q1,
    RELATIONS,
    TOM,
    a_review,
    codes,
)

DRAFT = a_review(self_state=SelfState.DRAFT)
SHARED = a_review(self_state=SelfState.SHARED)
HIDING = CycleSettings(self_visibility=SelfVisibility.AFTER_MANAGER_SUBMIT)
NOT_EMPLOYEE = [name for name, rel in RELATIONS.items() if not rel.employee]


def save(review: Review, rel: Relation = EMPLOYEE, **inputs: object) -> Review:
    given: dict[str, object] = {"expected": review.self_version, "now": BEFORE, "content_hash": "new", **inputs}
    saved, told = mine.save(review, rel, **given)  # type: ignore[arg-type]
    assert told == ()
    return saved


def refusal_of_save(review: Review, rel: Relation = EMPLOYEE, **inputs: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        save(review, rel, **inputs)
    return caught.value


@pytest.mark.parametrize("self_state", [SelfState.NONE, SelfState.DRAFT])
def test_the_employee_saves_a_draft_as_a_new_version(self_state: SelfState) -> None:
    before = a_review(self_state=self_state)
    after = save(before)
    assert (after.self_state, after.self_version, after.self_hash) == (
        SelfState.DRAFT,
        before.self_version + 1,
        "new",
    )
    assert after.manager_version == before.manager_version


SAVE_REFUSED: dict[str, tuple[Review, dict[str, object], bool]] = {
    "not-started": (replace(DRAFT, started=False), {}, True),
    "review-cancelled": (replace(DRAFT, cancelled=True), {}, True),
    "cycle-closed": (replace(DRAFT, cycle_closed=True), {}, True),
    "deadline-passed": (DRAFT, {"now": LATE}, True),
    "unshare-first": (SHARED, {}, True),
    "self-assessment-waived": (a_review(self_state=SelfState.WAIVED), {}, True),
    "locked": (a_review(self_state=SelfState.SHARED, held=(Holder.RELEASE,)), {}, True),
    "locked-signed": (a_review(self_state=SelfState.DRAFT, held=(Holder.COMPLETION,)), {}, True),
    "version-missing": (DRAFT, {"expected": None}, False),
    "stale-version": (DRAFT, {"expected": 1}, True),
    "answers-invalid": (DRAFT, {"problems": (AnswerProblem(question_id=Q1, code="wrong-kind"),)}, False),
}


@pytest.mark.parametrize("code", SAVE_REFUSED)
def test_a_save_is_refused_and_its_text_kept_where_it_would_be_lost(code: str) -> None:
    review, inputs, kept = SAVE_REFUSED[code]
    refusal = refusal_of_save(review, **inputs)  # type: ignore[arg-type]
    assert refusal.code == code
    assert refusal.keep_backup == kept


def test_a_stale_save_is_told_the_current_version() -> None:
    assert refusal_of_save(DRAFT, expected=1).params == {"current_version": 2}


def test_to_anybody_else_there_is_nothing_to_save_and_nothing_is_told() -> None:
    for name in NOT_EMPLOYEE:
        refusal = refusal_of_save(replace(SHARED, cancelled=True), RELATIONS[name], expected=None)
        assert codes(refusal) == ("not-found",)
        assert not refusal.keep_backup


def test_all_reasons_are_listed_in_the_order_in_which_they_answer() -> None:
    review = replace(a_review(self_state=SelfState.SHARED, held=(Holder.RELEASE,)), cancelled=True, cycle_closed=True)
    problem = AnswerProblem(question_id=Q1, code="wrong-kind")
    refusal = refusal_of_save(review, now=LATE, expected=1, problems=(problem,))
    assert codes(refusal) == (
        "review-cancelled",
        "cycle-closed",
        "locked",
        "unshare-first",
        "deadline-passed",
        "stale-version",
        "answers-invalid",
    )


def test_under_a_release_an_unshared_self_assessment_may_still_be_written_and_shared() -> None:
    for self_state in (SelfState.NONE, SelfState.DRAFT):
        saved = save(a_review(self_state=self_state, held=(Holder.RELEASE,)))
        shared, _ = mine.share(saved, EMPLOYEE, now=BEFORE, missing=())
        assert shared.self_state is SelfState.SHARED
        assert refusal_of_save(shared).code == "locked"
        with pytest.raises(Refusal, match="locked"):
            mine.unshare(shared, EMPLOYEE, now=BEFORE)


def test_an_autosave_is_taken_from_the_author_only() -> None:
    assert mine.unmet_autosave(EMPLOYEE) == []
    for name in NOT_EMPLOYEE:
        assert [reason.code for reason in mine.unmet_autosave(RELATIONS[name])] == ["not-found"]


def test_sharing_shows_the_version_to_the_manager() -> None:
    shared, told = mine.share(DRAFT, EMPLOYEE, now=BEFORE, missing=())
    assert (shared.self_state, shared.self_version, shared.self_shared_version) == (SelfState.SHARED, 2, 2)
    assert told == (
        facts.SelfAssessmentShared(
            review_id=DRAFT.review_id, self_version=2, content_hash="self-2", visible_to_manager=True
        ),
    )


def test_sharing_again_without_an_edit_is_a_new_version_of_the_same_content() -> None:
    unshared, _ = mine.unshare(SHARED, EMPLOYEE, now=BEFORE)
    again, (fact,) = mine.share(unshared, EMPLOYEE, now=BEFORE, missing=())
    assert (again.self_version, again.self_shared_version, again.self_hash) == (3, 3, "self-2")
    assert fact.self_version == 3


SHARE_REFUSED: dict[str, tuple[Review, dict[str, object]]] = {
    "not-started": (replace(DRAFT, started=False), {}),
    "review-cancelled": (replace(DRAFT, cancelled=True), {}),
    "cycle-closed": (replace(DRAFT, cycle_closed=True), {}),
    "nothing-to-share": (a_review(self_state=SelfState.NONE), {}),
    "already-shared": (SHARED, {}),
    "self-assessment-waived": (a_review(self_state=SelfState.WAIVED), {}),
    "deadline-passed": (DRAFT, {"now": LATE}),
    "locked-signed": (a_review(self_state=SelfState.DRAFT, held=(Holder.COMPLETION,)), {}),
    "answers-missing": (DRAFT, {"missing": (Q1,)}),
}


@pytest.mark.parametrize("code", SHARE_REFUSED)
def test_sharing_is_refused(code: str) -> None:
    review, inputs = SHARE_REFUSED[code]
    with pytest.raises(Refusal) as caught:
        mine.share(review, EMPLOYEE, **{"now": BEFORE, "missing": (), **inputs})  # type: ignore[arg-type]
    assert caught.value.code == code
    if code == "answers-missing":
        assert caught.value.params == {"question_ids": ["q1"]}


@pytest.mark.parametrize(
    ("rel", "share_code", "unshare_code"),
    [
        (MANAGER, "forbidden-role", "forbidden-role"),
        (ASSISTANT, "forbidden-role", "forbidden-role"),
        (HR, "forbidden-role", "author-only"),
        (HR_BELOW, "forbidden-role", "author-only"),
        (MANAGER_AND_HR, "forbidden-role", "author-only"),
        (OUTSIDER, "not-found", "not-found"),
    ],
)
def test_only_the_employee_shares_and_unshares(rel: Relation, share_code: str, unshare_code: str) -> None:
    for review in (DRAFT, SHARED, replace(DRAFT, cancelled=True)):
        assert [r.code for r in mine.unmet_share(review, rel, now=LATE, missing=(Q1,))] == [share_code]
        assert [r.code for r in mine.unmet_unshare(review, rel, now=LATE)] == [unshare_code]


def test_unsharing_hides_at_once_and_says_whether_the_manager_had_read_it() -> None:
    unread, (fact,) = mine.unshare(SHARED, EMPLOYEE, now=BEFORE)
    assert unread.self_state is SelfState.DRAFT
    assert not mine.manager_may_read_self(unread)
    assert fact == facts.SelfAssessmentUnshared(review_id=SHARED.review_id, self_version=2, manager_had_read=False)
    read, _ = mine.read(SHARED, MANAGER)
    _, (fact,) = mine.unshare(read, EMPLOYEE, now=BEFORE)
    assert fact.manager_had_read


UNSHARE_REFUSED: dict[str, Review] = {
    "not-started": replace(SHARED, started=False),
    "review-cancelled": replace(SHARED, cancelled=True),
    "cycle-closed": replace(SHARED, cycle_closed=True),
    "not-shared": DRAFT,
    "locked": a_review(self_state=SelfState.SHARED, held=(Holder.RELEASE,)),
    "locked-signed": a_review(self_state=SelfState.SHARED, held=(Holder.SIGNATURE_EMPLOYEE,)),
}


@pytest.mark.parametrize("code", UNSHARE_REFUSED)
def test_unsharing_is_refused(code: str) -> None:
    with pytest.raises(Refusal) as caught:
        mine.unshare(UNSHARE_REFUSED[code], EMPLOYEE, now=BEFORE)
    assert caught.value.code == code


def test_unsharing_after_the_deadline_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        mine.unshare(SHARED, EMPLOYEE, now=LATE)
    assert caught.value.code == "deadline-passed"


@pytest.mark.parametrize("self_state", [SelfState.NONE, SelfState.DRAFT])
@pytest.mark.parametrize("held", [(), (Holder.RELEASE,)])
def test_hr_waives_and_withdraws_and_what_was_written_is_there_again(
    self_state: SelfState, held: tuple[Holder, ...]
) -> None:
    before = a_review(self_state=self_state, held=held)
    waived, told = mine.waive(before, HR)
    assert waived.self_state is SelfState.WAIVED
    assert told == (facts.SelfAssessmentWaived(review_id=before.review_id),)
    back, told_back = mine.unwaive(waived, HR)
    assert back == before
    assert told_back == (facts.SelfAssessmentUnwaived(review_id=before.review_id),)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"self_state": SelfState.SHARED}, "already-shared"),
        ({"self_state": SelfState.WAIVED}, "self-assessment-waived"),
        ({"started": False}, "not-started"),
        ({"cancelled": True}, "review-cancelled"),
        ({"cycle_closed": True}, "cycle-closed"),
        ({"held": (Holder.COMPLETION,)}, "locked-signed"),
    ],
)
def test_waiving_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        mine.waive(a_review(**changes), HR)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_a_waiver_is_not_withdrawn_under_a_signature_nor_where_there_is_none() -> None:
    signed = a_review(self_state=SelfState.WAIVED, held=(Holder.RELEASE, Holder.SIGNATURE_MANAGER))
    with pytest.raises(Refusal) as caught:
        mine.unwaive(signed, HR)
    assert caught.value.code == "locked-signed"
    assert caught.value.params == {"holders": ["signature:manager"]}
    with pytest.raises(Refusal, match="not-waived"):
        mine.unwaive(DRAFT, HR)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("employee", "forbidden-role"),
        ("manager", "forbidden-role"),
        ("assistant", "forbidden-role"),
        ("hr-below", "self-dealing"),
        ("hr-unknown", "unknown-person"),
        ("outsider", "not-found"),
    ],
)
def test_only_hr_waives_and_not_for_a_superior(name: str, code: str) -> None:
    for review in (DRAFT, replace(SHARED, cancelled=True)):
        assert [reason.code for reason in mine.unmet_waive(review, RELATIONS[name])] == [code]
        assert [reason.code for reason in mine.unmet_unwaive(review, RELATIONS[name])] == [code]


@pytest.mark.parametrize("self_state", SelfState)
def test_an_unshared_self_assessment_exists_for_its_author_alone(self_state: SelfState) -> None:
    review = a_review(self_state=self_state, manager_has_access=True)
    readers = {name for name, rel in RELATIONS.items() if not mine.unmet_read(review, rel)}
    everybody = {"employee", "manager", "hr", "manager-and-hr"}
    assert readers == (everybody if self_state is SelfState.SHARED else {"employee"})


def test_hr_below_reads_no_text_and_unknown_hr_is_told_so() -> None:
    assert [reason.code for reason in mine.unmet_read(SHARED, HR_BELOW)] == ["not-found"]
    assert [reason.code for reason in mine.unmet_read(SHARED, HR_UNKNOWN)] == ["unknown-person"]


def test_the_managers_read_is_remembered_once_per_version() -> None:
    read, told = mine.read(SHARED, MANAGER)
    assert told == (
        facts.SelfAssessmentRead(
            review_id=SHARED.review_id, self_version=2, reader_id=MANAGER.actor_id, by_role="manager"
        ),
    )
    assert read.self_read_version == 2
    assert mine.read(read, MANAGER) == (read, ())
    assert not mine.newest_self_unread(read)


def test_hrs_first_read_of_a_version_is_a_fact_and_the_authors_is_none() -> None:
    fact = facts.SelfAssessmentRead(
        review_id=SHARED.review_id, self_version=2, reader_id=HR.actor_id, by_role="hr_admin"
    )
    assert mine.read(SHARED, HR) == (SHARED, (fact,))
    assert mine.read(SHARED, HR, read_before=True) == (SHARED, ())
    assert mine.read(SHARED, EMPLOYEE) == (SHARED, ())


def test_who_reads_as_hr_what_is_hidden_from_the_manager_has_not_read_it_as_manager() -> None:
    hidden = replace(SHARED, settings=HIDING)
    after, (fact,) = mine.read(hidden, MANAGER_AND_HR)
    assert (after.self_read_version, fact.by_role) == (None, "hr_admin")


def test_a_hidden_self_assessment_opens_when_the_manager_has_submitted_and_stays_open() -> None:
    shared, (fact,) = mine.share(replace(DRAFT, settings=HIDING), EMPLOYEE, now=BEFORE, missing=())
    assert not fact.visible_to_manager
    assert [reason.code for reason in mine.unmet_read(shared, MANAGER)] == ["not-found"]
    assert not mine.newest_self_unread(shared)
    given = replace(shared, manager_state=ManagerState.SUBMITTED, manager_has_access=True)
    assert mine.unmet_read(given, MANAGER) == []
    assert mine.unmet_read(replace(given, manager_state=ManagerState.DRAFT), MANAGER) == []


def test_sharing_after_the_managers_submission_gives_access_at_once() -> None:
    review = replace(DRAFT, settings=HIDING, manager_state=ManagerState.SUBMITTED)
    shared, (fact,) = mine.share(review, EMPLOYEE, now=BEFORE, missing=())
    assert fact.visible_to_manager
    assert shared.manager_has_access


def test_hr_on_a_foreign_review_who_is_a_stranger_to_it_is_still_hr() -> None:
    assert mine.unmet_read(SHARED, Relation(actor_id=TOM, hr=HrRight.FULL)) == []
