"""Who may sign, complete and revoke, what is refused and with what, and when signing opens and closes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signing.domain import answers, completion, knowledge, people, revocation, signature
from signing.domain.facts import (
    CompletionRequested,
    HoldRequested,
    SignatureCompleted,
    SignatureRequested,
    SigningClosed,
    Want,
)
from signing.domain.ids import CommentHash, ContentHash, PersonId
from signing.domain.people import Actor, HrRight, relation
from signing.domain.record import Holder, HoldState, Role, SelfState, word_of
from signing.domain.refusals import Refusal
from unit.signing.signing_builders import (
    AS_EMPLOYEE,
    AS_HR,
    AS_MANAGER,
    COMMENT,
    EMPLOYEE,
    H1,
    H2,
    HR,
    LINE,
    MANAGER,
    agreement,
    having,
    names,
    opened,
    sign,
    signed_by,
)

E = Holder.SIGNATURE_EMPLOYEE
M = Holder.SIGNATURE_MANAGER
C = Holder.COMPLETION

OUTSIDER = relation(opened(), Actor(person_id=PersonId("p-else")), LINE)
ASSISTANT = relation(opened(), Actor(person_id=PersonId("p-else"), roles=frozenset({"hr_assistant"})), LINE)


def codes(reasons: list[Refusal]) -> list[str]:
    return [reason.code for reason in sorted(reasons, key=lambda reason: reason.rank)]


def test_signing_asks_for_a_hold_over_what_is_released() -> None:
    state, facts = sign(opened(), M)
    assert facts == (
        SignatureRequested(
            review_id=state.review_id,
            signer_role=Role.MANAGER,
            signer_id=MANAGER,
            fence=2,
            epoch=1,
            snapshot_hash=H1,
            manager_version=3,
            self_version=5,
        ),
        HoldRequested(
            review_id=state.review_id,
            holder=M,
            fence=2,
            want=Want.HELD,
            epoch=1,
            snapshot_hash=H1,
            manager_version=3,
            self_version=5,
            manager_id=MANAGER,
        ),
    )
    assert (state.manager.statement_version, state.manager.comment_hash) == (1, COMMENT)


def test_the_employees_hold_names_no_manager_and_a_waived_self_assessment_no_version() -> None:
    _, facts = sign(opened(self_state=SelfState.WAIVED), E)
    command = facts[-1]
    assert isinstance(command, HoldRequested)
    assert (command.manager_id, command.self_version) == (None, None)


def test_a_signature_is_made_only_when_granted_and_keeps_the_hashes_of_the_grant() -> None:
    pending, _ = sign(opened(), E)
    assert word_of(pending, E) == "pending"
    state, facts = answers.granted(pending, E, fence=2, manager_hash=ContentHash("m"), self_hash=ContentHash("s"))
    assert word_of(state, E) == "signed"
    assert isinstance(facts[0], SignatureCompleted)
    assert (state.employee.manager_hash, state.employee.self_hash) == ("m", "s")


def test_a_rejected_signature_leaves_its_reason_until_the_next_attempt() -> None:
    pending, _ = sign(opened(), E)
    state, _ = answers.rejected(pending, E, fence=2, reason="content-changed")
    assert (state.employee.state, state.employee.rejection) == (HoldState.NONE, "content-changed")
    again, _ = sign(state, E)
    assert (again.employee.fence, again.employee.rejection) == (4, None)


@pytest.mark.parametrize(
    ("changes", "for_manager", "for_employee"),
    [
        ({}, [], []),
        ({"released": False}, ["not-released"], ["not-released"]),
        ({"self_state": SelfState.DRAFT}, ["self-assessment-not-shared"], ["self-assessment-not-shared"]),
        (
            {"released": False, "self_state": SelfState.NONE},
            ["not-released", "self-assessment-not-shared"],
            ["not-released"],
        ),
        ({"closed": True}, ["cycle-closed"], ["cycle-closed"]),
        ({"cancelled": True, "released": False}, ["cancelled", "not-released"], ["cancelled", "not-released"]),
        ({"self_state": SelfState.WAIVED}, [], []),
    ],
)
def test_signing_is_refused_where_it_is_not_open(
    changes: dict[str, object], for_manager: list[str], for_employee: list[str]
) -> None:
    state = opened(**changes)
    assert codes(signature.unmet_sign(state, AS_MANAGER)) == for_manager
    assert codes(signature.unmet_sign(state, AS_EMPLOYEE)) == for_employee


@pytest.mark.parametrize(
    ("completion_state", "code"),
    [
        (HoldState.PENDING, "completed"),
        (HoldState.SIGNED, "completed"),
        (HoldState.REVOKING, "revocation-in-progress"),
        (HoldState.LOST, "signature-lost"),
    ],
)
def test_nobody_signs_while_anything_of_a_completion_is_under_way(completion_state: HoldState, code: str) -> None:
    state = having(C, completion_state, 2)
    assert codes(signature.unmet_sign(state, AS_EMPLOYEE)) == [code]
    assert word_of(state, E) == "closed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"statement_version": 2}, "statement-changed"),
        ({"snapshot_hash": H2}, "packet-changed"),
        ({"self_version": 4}, "stale-version"),
        ({"self_version": 0}, "stale-version"),
    ],
)
def test_signing_something_else_than_is_current_is_refused_with_412(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        signature.sign(opened(), AS_EMPLOYEE, agreement(**changes))
    assert (refused.value.code, refused.value.rank.name) == (code, "STALE")


def test_an_agreement_may_name_the_self_version_and_zero_where_it_was_waived() -> None:
    assert signature.unmet_sign(opened(), AS_EMPLOYEE, agreement(self_version=5)) == []
    waived = opened(self_state=SelfState.WAIVED)
    assert signature.unmet_sign(waived, AS_EMPLOYEE, agreement(self_version=0)) == []


def test_the_state_refuses_before_what_was_seen_and_all_reasons_are_listed() -> None:
    with pytest.raises(Refusal) as refused:
        signature.sign(opened(self_state=SelfState.DRAFT), AS_MANAGER, agreement(snapshot_hash=H2))
    assert [reason.code for reason in refused.value.unmet] == ["self-assessment-not-shared", "packet-changed"]


@pytest.mark.parametrize("state", [HoldState.PENDING, HoldState.SIGNED])
def test_the_same_signer_saying_the_same_again_is_accepted_without_effect(state: HoldState) -> None:
    before = having(E, state, 2)
    after, facts = signature.sign(before, AS_EMPLOYEE, agreement(statement_version=9))
    assert after is before
    assert facts == ()


@pytest.mark.parametrize(
    ("state", "code"), [(HoldState.PENDING, "signature-in-progress"), (HoldState.SIGNED, "already-signed")]
)
@pytest.mark.parametrize("comment", [CommentHash("other"), None])
def test_another_comment_on_a_signature_is_refused(state: HoldState, code: str, comment: CommentHash | None) -> None:
    before = having(E, state, 2)
    assert codes(signature.unmet_sign(before, AS_EMPLOYEE, agreement(comment_hash=comment))) == [code]


def test_another_manager_does_not_sign_over_the_former_ones_signature() -> None:
    state = replace(having(M, HoldState.SIGNED, 2), manager_id=PersonId("p-next"))
    successor = relation(state, Actor(person_id=PersonId("p-next")), LINE)
    assert codes(signature.unmet_sign(state, successor)) == ["already-signed"]


def who(role: str) -> people.Relation:
    return {"employee": AS_EMPLOYEE, "manager": AS_MANAGER, "hr": AS_HR, "assistant": ASSISTANT, "outsider": OUTSIDER}[
        role
    ]


@pytest.mark.parametrize(
    ("role", "to_sign", "to_revoke", "to_complete"),
    [
        ("employee", [], ["hr-only"], ["forbidden-role"]),
        ("manager", [], ["hr-only"], ["forbidden-role"]),
        ("hr", ["not-a-signer"], [], []),
        ("assistant", ["forbidden-role"], ["forbidden-role"], ["forbidden-role"]),
        ("outsider", ["not-found"], ["not-found"], ["not-found"]),
    ],
)
def test_each_role_gets_its_own_answer(
    role: str, to_sign: list[str], to_revoke: list[str], to_complete: list[str]
) -> None:
    rel, signed = who(role), signed_by(E)
    assert codes(signature.unmet_sign(opened(), rel)) == to_sign
    assert codes(revocation.unmet_revoke(signed, rel)) == to_revoke
    assert codes(completion.unmet_complete(opened(), rel)) == to_complete


def test_hr_on_the_own_review_is_the_employee_only() -> None:
    state = signed_by(E)
    rel = relation(state, Actor(person_id=EMPLOYEE, roles=frozenset({"hr_admin"})), LINE)
    assert rel == AS_EMPLOYEE
    assert codes(revocation.unmet_revoke(state, rel)) == ["hr-only"]


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ({EMPLOYEE: MANAGER, HR: None}, HrRight.FULL),
        ({EMPLOYEE: MANAGER, HR: EMPLOYEE}, HrRight.SELF_DEALING),
        ({EMPLOYEE: MANAGER, HR: PersonId("p-x"), PersonId("p-x"): EMPLOYEE}, HrRight.SELF_DEALING),
        ({EMPLOYEE: MANAGER, HR: PersonId("p-x"), PersonId("p-x"): HR}, HrRight.FULL),
        ({EMPLOYEE: MANAGER}, HrRight.UNKNOWN_PERSON),
        ({HR: None}, HrRight.UNKNOWN_PERSON),
    ],
)
def test_hr_acts_on_nobody_above(line: dict[PersonId, PersonId | None], right: HrRight) -> None:
    rel = relation(opened(), Actor(person_id=HR, roles=frozenset({"hr_admin"})), line)
    assert rel.hr is right
    expected = {HrRight.SELF_DEALING: ["self-dealing"], HrRight.UNKNOWN_PERSON: ["unknown-person"]}.get(right, [])
    assert codes(completion.unmet_complete(opened(), rel)) == expected
    assert codes(revocation.unmet_revoke(signed_by(E), rel)) == expected
    assert codes(signature.unmet_sign(opened(), rel)) == ["not-a-signer"]


def test_a_manager_who_is_hr_signs_and_revokes() -> None:
    rel = relation(opened(), Actor(person_id=MANAGER, roles=frozenset({"hr_admin"})), LINE)
    assert signature.unmet_sign(opened(), rel) == []
    assert revocation.unmet_revoke(signed_by(E), rel) == []


def test_revoking_wants_a_reason_and_something_to_revoke() -> None:
    assert codes(revocation.unmet_revoke(signed_by(E), AS_HR, reason_given=False)) == ["reason-missing"]
    only_manager = frozenset({M})
    assert codes(revocation.unmet_revoke(signed_by(E), AS_HR, holders=only_manager)) == ["nothing-to-revoke"]


@pytest.mark.parametrize("changes", [{"closed": True}, {"cancelled": True}, {"released": False}])
def test_hr_revokes_in_a_closed_cycle_and_an_unreleased_packet_too(changes: dict[str, object]) -> None:
    state, _ = revocation.revoke(replace(signed_by(E), **changes), AS_HR)  # type: ignore[arg-type]
    assert state.employee.state is HoldState.REVOKING


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"released": False}, ["not-released"]),
        ({"closed": True, "released": False}, ["cycle-closed", "not-released"]),
        ({"self_state": SelfState.NONE}, []),
    ],
)
def test_hr_completes_only_a_released_review(changes: dict[str, object], expected: list[str]) -> None:
    assert codes(completion.unmet_complete(opened(**changes), AS_HR)) == expected


def test_completing_wants_a_reason_and_names_who_asked() -> None:
    assert codes(completion.unmet_complete(opened(), AS_HR, reason_given=False)) == ["reason-missing"]
    state, facts = completion.complete(opened(), AS_HR)
    assert isinstance(facts[0], CompletionRequested)
    assert facts[0].by == HR
    assert (state.completion.state, state.tried_epoch) == (HoldState.PENDING, 1)


def test_the_completion_starts_with_the_last_signature() -> None:
    state, _ = sign(signed_by(E), M)
    state, facts = answers.granted(state, M, fence=2)
    assert names(facts) == ["SignatureCompleted", "CompletionRequested", "HoldRequested", "SigningClosed"]
    state, facts = answers.granted(state, C, fence=2)
    assert names(facts) == ["ReviewCompleted"]
    assert word_of(state, C) == "completed"


def test_a_rejected_completion_is_tried_again_only_in_the_next_epoch() -> None:
    state, facts = answers.rejected(signed_by(E, M), C, fence=2, reason="not-released")
    assert names(facts) == ["CompletionRejected"]
    assert state.completion.state is HoldState.NONE
    state, _ = knowledge.learn_unreleased(state, epoch=1, revoke_signatures=False)
    state, facts = knowledge.learn_released(state, epoch=2, snapshot_hash=H1, manager_version=3)
    assert names(facts) == ["CompletionRequested", "HoldRequested"]
    assert (state.completion.fence, state.completion.epoch) == (4, 2)


def test_a_completion_lifted_by_hr_does_not_start_again_until_somebody_signs_anew() -> None:
    done, _ = answers.granted(signed_by(E, M), C, fence=2)
    state, _ = revocation.revoke(done, AS_HR, holders=frozenset({C}))
    state, facts = answers.freed(state, C, fence=3)
    assert state.completion.state is HoldState.NONE
    assert facts == (SigningClosed(review_id=state.review_id, epoch=1, reason="all-signed"),)
    state, _ = revocation.revoke(state, AS_HR, holders=frozenset({E}))
    state, _ = answers.freed(state, E, fence=3)
    state, _ = sign(state, E)
    state, _ = answers.granted(state, E, fence=4)
    assert state.completion.state is HoldState.PENDING


def test_a_stale_signature_completes_nothing() -> None:
    state = signed_by(E)
    state, facts = knowledge.learn_released(state, epoch=2, snapshot_hash=H2, manager_version=4)
    assert state.employee.stale
    assert names(facts) == ["Alarm", "SigningOpened"]
    state, _ = sign(state, M)
    state, facts = answers.granted(state, M, fence=2)
    assert state.completion.state is HoldState.NONE
    state, _ = knowledge.learn_released(state, epoch=3, snapshot_hash=H1, manager_version=3)
    assert not state.employee.stale


def test_a_grant_after_another_snapshot_was_released_is_stale_at_once() -> None:
    pending, _ = sign(opened(), E)
    state, _ = knowledge.learn_released(pending, epoch=2, snapshot_hash=H2, manager_version=4)
    state, facts = answers.granted(state, E, fence=2)
    assert state.employee.stale
    assert names(facts) == ["SignatureCompleted", "Alarm"]
