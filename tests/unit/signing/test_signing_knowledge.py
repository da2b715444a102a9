"""What signing learns of the review and its packet, in whatever order it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signing.domain import answers, knowledge
from signing.domain.facts import CompletionLifted, SignatureRevoked, SigningClosed, SigningOpened
from signing.domain.ids import PersonId
from signing.domain.knowledge import ReviewKnowledge
from signing.domain.people import Actor, relation
from signing.domain.record import Holder, HoldState, Register, Role, SelfState, SigningRecord, word_of
from unit.signing.signing_builders import H1, H2, HR, LINE, MANAGER, blank, names, opened, sign, signed_by

E = Holder.SIGNATURE_EMPLOYEE
M = Holder.SIGNATURE_MANAGER


def told(version: int, **changes: object) -> ReviewKnowledge:
    return replace(ReviewKnowledge(version=version, manager_id=MANAGER), **changes)  # type: ignore[arg-type]


def test_signing_opens_with_whichever_condition_comes_last() -> None:
    state, facts = knowledge.learn_released(blank(), epoch=1, snapshot_hash=H1, manager_version=3)
    assert facts == ()
    state, facts = knowledge.learn_review(state, told(1, self_state=SelfState.SHARED, self_version=5))
    expected = SigningOpened(
        review_id=state.review_id,
        epoch=1,
        snapshot_hash=H1,
        manager_version=3,
        self_version=5,
        open_signers=(Role.EMPLOYEE, Role.MANAGER),
    )
    assert facts == (expected,)
    state, _ = knowledge.learn_review(blank(), told(1, self_state=SelfState.WAIVED))
    _, facts = knowledge.learn_released(state, epoch=1, snapshot_hash=H1, manager_version=3)
    assert facts == (replace(expected, self_version=None),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"self_state": SelfState.DRAFT}, "self-assessment-not-shared"),
        ({"closed": True}, "cycle-closed"),
        ({"cancelled": True}, "cancelled"),
    ],
)
def test_signing_closes_when_a_condition_stops_to_hold(change: dict[str, object], reason: str) -> None:
    state, facts = knowledge.learn_review(opened(), told(8, **change))
    assert facts == (SigningClosed(review_id=state.review_id, epoch=1, reason=reason),)
    assert word_of(state, E) == "closed"


def test_unreleasing_closes_signing_once() -> None:
    state, facts = knowledge.learn_unreleased(opened(), epoch=1, revoke_signatures=False)
    assert facts == (SigningClosed(review_id=state.review_id, epoch=1, reason="unreleased"),)
    assert knowledge.learn_unreleased(state, epoch=1, revoke_signatures=False) == (state, ())


def test_a_review_that_is_not_closed_after_all_opens_signing_again() -> None:
    _, facts = knowledge.learn_review(opened(closed=True), told(9, closed=False))
    assert names(facts) == ["SigningOpened"]


def test_older_news_of_the_review_changes_nothing_and_of_the_same_version_it_is_taken_over() -> None:
    state = opened()
    assert knowledge.learn_review(state, told(6, closed=True)) == (state, ())
    same, facts = knowledge.learn_review(state, told(7, closed=True))
    assert same.closed
    assert knowledge.learn_review(same, told(7, closed=True)) == (same, ())
    assert names(facts) == ["SigningClosed"]


def test_an_unshared_self_assessment_keeps_no_version_to_cover_once_waived() -> None:
    state, _ = knowledge.learn_review(opened(), told(8, self_state=SelfState.WAIVED))
    state, facts = sign(state, E)
    assert state.employee.self_version is None
    assert names(facts) == ["SignatureRequested", "HoldRequested"]


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_release_known_or_older_says_nothing_new(epoch: int) -> None:
    for state in (opened(), opened(released=False)):
        assert knowledge.learn_released(state, epoch=epoch, snapshot_hash=H2, manager_version=9) == (state, ())


def test_an_unrelease_that_overtakes_its_release_wins() -> None:
    hidden, _ = knowledge.learn_unreleased(blank(), epoch=1, revoke_signatures=False)
    assert knowledge.learn_released(hidden, epoch=1, snapshot_hash=H1, manager_version=3) == (hidden, ())


def test_a_reassigned_manager_signs_and_the_former_one_is_an_outsider() -> None:
    successor = PersonId("p-next")
    state, _ = knowledge.learn_review(opened(), replace(told(8), manager_id=successor))
    assert relation(state, Actor(person_id=MANAGER), LINE).outsider
    assert relation(state, Actor(person_id=successor), LINE).signer is Role.MANAGER


def wish(state: SigningRecord, epoch: int) -> SigningRecord:
    return knowledge.learn_unreleased(state, epoch=epoch, revoke_signatures=True, by=HR)[0]


def test_a_revoke_wish_binds_a_signature_in_whatever_order_wish_release_and_grant_arrive() -> None:
    pending, _ = sign(opened(), E)
    granted, _ = answers.granted(pending, E, fence=2)
    overtaken, _ = knowledge.learn_released(granted, epoch=2, snapshot_hash=H1, manager_version=3)
    late, _ = answers.granted(wish(pending, 1), E, fence=2)
    for state in (wish(granted, 1), wish(pending, 1), wish(overtaken, 1), late):
        assert (state.employee.state, state.employee.fence) == (HoldState.REVOKING, 3)


def test_a_revoke_wish_spares_a_signature_of_a_newer_epoch() -> None:
    state, _ = knowledge.learn_released(opened(), epoch=2, snapshot_hash=H1, manager_version=3)
    state, _ = sign(state, E)
    assert wish(state, 1).employee == state.employee
    assert wish(state, 2).employee.state is HoldState.REVOKING


def test_a_revoke_wish_takes_all_signatures_and_the_completion_with_it_and_tells_who_wished() -> None:
    _, facts = knowledge.learn_unreleased(signed_by(E, M), epoch=1, revoke_signatures=True, by=HR)
    assert names(facts) == [
        "SignatureRevoked",
        "HoldRequested",
        "CompletionLifted",
        "HoldRequested",
        "SignatureRevoked",
        "HoldRequested",
    ]
    revoked = [fact for fact in facts if isinstance(fact, SignatureRevoked | CompletionLifted)]
    assert {(fact.by, fact.reason) for fact in revoked} == {(HR, "unreleased")}


def test_signing_that_opens_while_a_signature_is_on_its_way_names_its_signer() -> None:
    pending, _ = sign(signed_by(E), M)
    closed, _ = knowledge.learn_unreleased(pending, epoch=1, revoke_signatures=False)
    state, facts = knowledge.learn_released(closed, epoch=2, snapshot_hash=H1, manager_version=3)
    assert isinstance(facts[0], SigningOpened)
    assert facts[0].open_signers == (Role.MANAGER,)
    _, facts = answers.rejected(state, M, fence=2, reason="not-released")
    assert names(facts) == ["SignatureRejected"]


def test_signing_opens_silently_when_everybody_has_signed() -> None:
    state = replace(signed_by(E, M), completion=Register(), tried_epoch=2)
    closed, _ = knowledge.learn_unreleased(state, epoch=1, revoke_signatures=False)
    assert knowledge.learn_released(closed, epoch=2, snapshot_hash=H1, manager_version=3)[1] == ()
