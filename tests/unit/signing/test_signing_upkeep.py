"""Sending again, sweeping registers and facts, restoring, reading, statements and actions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signing.domain import knowledge, people, reading, revocation, statement, sweep
from signing.domain.facts import Alarm, AlarmCode, HoldRequested
from signing.domain.ids import PersonId
from signing.domain.record import Holder, HoldState, Register, Role, SelfState, SigningRecord
from signing.domain.refusals import Refusal
from signing.domain.sweep import SeenRegister
from unit.signing.signing_builders import (
    AS_EMPLOYEE,
    AS_HR,
    AS_MANAGER,
    EMPLOYEE,
    H1,
    H2,
    MANAGER,
    having,
    names,
    opened,
    sign,
    signed_by,
)

E = Holder.SIGNATURE_EMPLOYEE
M = Holder.SIGNATURE_MANAGER
C = Holder.COMPLETION


def held(holder: Holder, fence: int, epoch: int = 1) -> SeenRegister:
    return SeenRegister(holder=holder, fence=fence, held=True, epoch=epoch, snapshot_hash=H1)


def free(holder: Holder, fence: int) -> SeenRegister:
    return SeenRegister(holder=holder, fence=fence, held=False)


def test_a_waiting_register_sends_the_same_command_again() -> None:
    pending, facts = sign(opened(), E)
    assert sweep.reconcile(pending) == (facts[-1],)
    revoking, facts = revocation.revoke(pending, AS_HR)
    assert sweep.reconcile(revoking) == (facts[-1],)
    assert sweep.reconcile(opened()) == ()


def test_a_held_register_of_which_signing_knows_nothing_is_lost_and_freed_only_by_hr() -> None:
    before = opened()
    state, facts = sweep.compare(before, [held(E, 6), free(M, 0)], row_version_read=before.row_version)
    assert (state.employee.state, state.employee.fence, state.employee.epoch) == (HoldState.LOST, 6, 1)
    assert facts == (Alarm(review_id=before.review_id, holder=E, code=AlarmCode.SIGNATURE_LOST),)
    assert sweep.compare(state, [held(E, 6)], row_version_read=state.row_version) == (state, ())
    state, facts = revocation.revoke(state, AS_HR, holders=frozenset({E}))
    assert state.employee.fence == 7
    assert names(facts) == ["SignatureRevoked", "HoldRequested"]


def test_a_row_that_changed_since_it_was_read_is_left_alone() -> None:
    before = opened(row_version=5)
    assert sweep.compare(before, [held(E, 6)], row_version_read=4) == (before, ())


def test_a_lost_signature_that_hr_had_wished_away_is_revoked_at_once() -> None:
    before = opened(released=False, packet_epoch=2, revoked_epoch=2)
    state, facts = sweep.compare(before, [held(E, 6)], row_version_read=1)
    assert (state.employee.state, state.employee.fence) == (HoldState.REVOKING, 7)
    assert names(facts) == ["Alarm", "SignatureRevoked", "HoldRequested"]


def test_a_lost_signature_that_nothing_holds_any_more_may_be_made_again() -> None:
    before = opened(row_version=5)
    lost, _ = sweep.compare(before, [held(E, 6)], row_version_read=5)
    state, facts = sweep.compare(lost, [free(E, 7)], row_version_read=5)
    assert (state.employee.state, state.employee.fence) == (HoldState.NONE, 7)
    assert names(facts) == ["SigningOpened"]


@pytest.mark.parametrize("seen", [free(E, 0), free(E, 2), free(E, 3)])
def test_a_signature_that_nothing_holds_is_revoked_with_an_alarm(seen: SeenRegister) -> None:
    before = signed_by(E)
    state, facts = sweep.compare(before, [seen], row_version_read=1)
    assert (state.employee.state, state.employee.fence) == (HoldState.REVOKING, 3)
    assert names(facts) == ["Alarm", "SignatureRevoked", "HoldRequested"]
    assert facts[0] == Alarm(review_id=before.review_id, holder=E, code=AlarmCode.SIGNED_WITHOUT_HOLD)


@pytest.mark.parametrize("seen", [held(E, 4), replace(held(E, 2), snapshot_hash=H2)])
def test_a_signature_under_another_hold_is_lost_with_an_alarm(seen: SeenRegister) -> None:
    before = signed_by(E)
    state, facts = sweep.compare(before, [seen], row_version_read=1)
    assert (state.employee.state, state.employee.fence) == (HoldState.LOST, seen.fence)
    assert facts[0] == Alarm(review_id=before.review_id, holder=E, code=AlarmCode.SIGNED_WITHOUT_HOLD)


@pytest.mark.parametrize("state", [HoldState.PENDING, HoldState.REVOKING])
@pytest.mark.parametrize("seen", [free(E, 0), held(E, 2), held(E, 9)])
def test_a_waiting_register_is_left_to_its_answer(state: HoldState, seen: SeenRegister) -> None:
    before = having(E, state, 2 if state is HoldState.PENDING else 3)
    assert sweep.compare(before, [seen], row_version_read=1) == (before, ())


@pytest.mark.parametrize(
    ("row", "released", "epoch"),
    [
        (knowledge.PacketRow(state="released", epoch=2, snapshot_hash=H2, manager_version=4), True, 2),
        (knowledge.PacketRow(state="releasing", epoch=2), False, 1),
        (knowledge.PacketRow(state="unreleasing", epoch=1), False, 1),
        (knowledge.PacketRow(state="with_manager", epoch=3), False, 3),
        (knowledge.PacketRow(state="ready", epoch=0), True, 1),
        (knowledge.PacketRow(state="released", epoch=1, snapshot_hash=H1, manager_version=3), True, 1),
    ],
)
def test_lost_facts_are_repaired_from_the_packets_row(row: knowledge.PacketRow, epoch: int, *, released: bool) -> None:
    state, _ = knowledge.repair_from_packet(opened(), row)
    assert (state.released, state.packet_epoch) == (released, epoch)


def test_a_lost_revoke_wish_is_repaired_from_the_packets_row() -> None:
    row = knowledge.PacketRow(state="released", epoch=2, snapshot_hash=H1, manager_version=3, revoked_epoch=1)
    state, _ = knowledge.repair_from_packet(signed_by(E), row)
    assert state.employee.state is HoldState.REVOKING
    assert knowledge.repair_from_packet(state, row) == (state, ())


def test_the_completion_starts_when_a_repair_shows_that_it_may() -> None:
    before = replace(signed_by(E, M), completion=Register(fence=2), tried_epoch=1, released=False)
    row = knowledge.PacketRow(state="released", epoch=2, snapshot_hash=H1, manager_version=3)
    state, _ = knowledge.repair_from_packet(before, row)
    assert state.completion.state is HoldState.PENDING


RESTORED = [
    # own state and fence, the register now -> state, whether its command is sent, alarm
    ("none", 3, free(E, 7), "none", None, False),
    ("none", 3, held(E, 8), "lost", None, True),
    ("pending", 4, free(E, 3), "pending", "held", False),
    ("pending", 4, held(E, 4), "pending", "held", False),
    ("signed", 4, held(E, 4), "signed", None, False),
    ("signed", 4, held(E, 6), "lost", None, True),
    ("signed", 4, free(E, 5), "revoking", "free", False),
    ("revoking", 5, free(E, 5), "revoking", "free", False),
    ("revoking", 5, held(E, 4), "revoking", "free", False),
    ("revoking", 5, held(E, 6), "lost", None, True),
    ("lost", 6, held(E, 6), "lost", None, True),
    ("lost", 6, free(E, 7), "revoking", "free", False),
]


@pytest.mark.parametrize(("own", "fence", "seen", "then", "want", "alarm"), RESTORED)
def test_a_restored_row_passes_what_is_in_flight(
    own: str, fence: int, seen: SeenRegister, then: str, want: str | None, *, alarm: bool
) -> None:
    before = having(E, HoldState(own), fence)
    state, facts = sweep.quarantine_jump(before, [seen, free(M, 0), free(C, 0)])
    sent = [fact for fact in facts if isinstance(fact, HoldRequested)]
    assert state.employee.state is HoldState(then)
    assert [fact.want for fact in sent] == ([] if want is None else [want])
    assert all(fact.fence > 2000 for fact in sent)
    assert any(isinstance(fact, Alarm) for fact in facts) is alarm
    assert state.row_version == before.row_version + sweep.RESTORE_JUMP


def test_after_a_restore_every_later_attempt_is_above_the_jump_and_a_standing_signature_keeps_its_fence() -> None:
    seen = [held(E, 2), free(M, 5), free(C, 0)]
    state, _ = sweep.quarantine_jump(signed_by(E), seen)
    assert state.employee.fence == 2
    asked, _ = sign(state, M)
    assert asked.manager.fence == 2 * (2 + sweep.RESTORE_JUMP + 1)
    revoked, _ = revocation.revoke(state, AS_HR, holders=frozenset({E}))
    assert revoked.employee.fence == 2 * (1 + sweep.RESTORE_JUMP) + 1
    again, _ = sweep.quarantine_jump(state, seen)
    assert again.employee.state is HoldState.SIGNED


def test_a_restored_row_starts_no_completion_before_its_facts_are_repaired() -> None:
    before = replace(signed_by(E, M), completion=Register(), tried_epoch=0)
    state, _ = sweep.quarantine_jump(before, [held(E, 2), held(M, 2), free(C, 0)])
    assert state.completion.state is HoldState.NONE
    row = knowledge.PacketRow(state="released", epoch=2, snapshot_hash=H1, manager_version=3)
    assert knowledge.repair_from_packet(state, row)[0].completion.state is HoldState.PENDING


def test_before_the_release_the_employee_sees_nothing_and_the_manager_that_it_is_closed() -> None:
    state = opened(released=False)
    with pytest.raises(Refusal) as refused:
        reading.view(state, AS_EMPLOYEE)
    assert refused.value.code == "not-found"
    shown = reading.view(state, AS_MANAGER)
    assert [signer.state for signer in shown.signers] == ["closed", "closed"]
    assert not shown.open


def test_what_a_signature_covers_is_shown_only_while_it_stands() -> None:
    pending, _ = sign(opened(), E)
    employee, _ = reading.view(pending, AS_MANAGER).signers
    assert (employee.state, employee.snapshot_hash, employee.statement_version) == ("pending", None, None)
    employee, manager = reading.view(signed_by(E), AS_MANAGER).signers
    assert (employee.state, employee.epoch, employee.snapshot_hash) == ("signed", 1, H1)
    assert manager.state == "open"


def test_comments_are_for_the_author_and_once_signed_for_the_other_and_hr() -> None:
    pending, _ = sign(opened(), E)
    signed = signed_by(E)
    superior = replace(AS_HR, hr=people.HrRight.SELF_DEALING)
    assert reading.comment_visible(pending, AS_EMPLOYEE, Role.EMPLOYEE)
    for reader in (AS_MANAGER, AS_HR):
        assert not reading.comment_visible(pending, reader, Role.EMPLOYEE)
        assert reading.comment_visible(signed, reader, Role.EMPLOYEE)
    assert not reading.comment_visible(signed, superior, Role.EMPLOYEE)
    hidden = replace(signed, released=False)
    assert not reading.comment_visible(hidden, AS_MANAGER, Role.EMPLOYEE)
    assert not reading.comment_visible(hidden, AS_EMPLOYEE, Role.EMPLOYEE)
    assert reading.comment_visible(hidden, AS_HR, Role.EMPLOYEE)


def test_a_rejection_is_told_to_its_signer_and_hr_only() -> None:
    state = opened(employee=Register(fence=2, rejection="content-changed"))
    shown = {rel: reading.view(state, rel).signers[0].rejection for rel in (AS_EMPLOYEE, AS_MANAGER, AS_HR)}
    assert shown == {AS_EMPLOYEE: "content-changed", AS_MANAGER: None, AS_HR: "content-changed"}


@pytest.mark.parametrize(
    ("state", "person", "at", "allowed"),
    [
        (opened(), EMPLOYEE, 0, True),
        (opened(), MANAGER, 0, True),
        (opened(), PersonId("p-else"), 0, False),
        (opened(), EMPLOYEE, 2, False),
        (opened(released=False), MANAGER, 0, False),
        (opened(self_state=SelfState.DRAFT), EMPLOYEE, 0, False),
        (having(E, HoldState.PENDING, 2), EMPLOYEE, 0, False),
        (having(E, HoldState.PENDING, 2), EMPLOYEE, 2, False),
        (having(E, HoldState.SIGNED, 2), EMPLOYEE, 2, True),
        (having(E, HoldState.SIGNED, 2), MANAGER, 2, False),
        (having(E, HoldState.SIGNED, 4), EMPLOYEE, 2, False),
        (having(E, HoldState.SIGNED, 2, released=False), EMPLOYEE, 2, False),
        (having(M, HoldState.SIGNED, 2, released=False), MANAGER, 2, True),
        (having(E, HoldState.REVOKING, 3), EMPLOYEE, 3, False),
        (having(E, HoldState.NONE, 3), EMPLOYEE, 3, True),
        (having(E, HoldState.LOST, 2), EMPLOYEE, 2, False),
    ],
)
def test_a_mail_about_a_signature_goes_out_only_if_it_is_still_true(
    state: SigningRecord, person: PersonId, at: int, *, allowed: bool
) -> None:
    assert reading.visible(state, person, at=at) is allowed


def test_the_statement_says_exactly_what_is_covered() -> None:
    shown = statement.statement(opened(), AS_EMPLOYEE)
    assert shown.version == statement.STATEMENT_VERSION
    assert shown.text == (
        "I confirm that my performance review packet has been released to me and that I have read it. "
        "My signature acknowledges that I have received it; it does not mean that I agree with everything in it. "
        f"This signature covers the packet {H1}, version 3 of the manager-assessment and "
        "version 5 of the self-assessment."
    )
    waived = statement.statement(opened(self_state=SelfState.WAIVED), AS_MANAGER)
    assert waived.text.endswith("version 3 of the manager-assessment and no self-assessment, because it was waived.")
    assert waived.text != shown.text


def test_the_statement_that_was_agreed_to_stays_the_same_after_another_release() -> None:
    state = signed_by(E)
    agreed = statement.statement(state, AS_EMPLOYEE)
    later, _ = knowledge.learn_released(state, epoch=2, snapshot_hash=H2, manager_version=4)
    assert statement.statement(later, AS_EMPLOYEE) == agreed
    assert statement.statement(later, AS_MANAGER).covers.snapshot_hash == H2


@pytest.mark.parametrize(
    ("rel", "state", "code"),
    [
        (AS_HR, opened(), "not-a-signer"),
        (AS_EMPLOYEE, opened(released=False), "not-released"),
        (AS_EMPLOYEE, replace(signed_by(E), released=False), "not-released"),
        (AS_MANAGER, opened(self_state=SelfState.NONE), "self-assessment-not-shared"),
    ],
)
def test_there_is_no_statement_for_others_and_while_signing_is_closed(
    rel: people.Relation, state: SigningRecord, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        statement.statement(state, rel)
    assert refused.value.code == code
