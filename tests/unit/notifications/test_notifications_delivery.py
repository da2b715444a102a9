"""The life of a delivery: every state against every input, and exactly one fact at its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.domain import delivery
from notifications.domain.delivery import ALLOWED, UNSETTLED, Delivery, DeliveryState, IllegalTransition
from notifications.domain.facts import NotificationFailed, NotificationSent, NotificationSuppressed
from notifications.domain.ids import DeliveryId, PersonId, ReviewId
from notifications.domain.mails import MailIntent, MailKey, Template
from notifications.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, unmet_list_deliveries, unseen_subject
from notifications.domain.refusals import ForbiddenRole, refuse
from notifications.domain.sending import ATTEMPTS_MAX, RETRY_AFTER_S, Failed, Failure, Suppressed

if TYPE_CHECKING:
    from notifications.domain.delivery import Step
    from notifications.domain.facts import Fact

KEY = MailKey(recipient_id=PersonId("p"), template=Template.RELEASED, review_id=ReviewId("r"), occasion="1")
INTENT = MailIntent(key=KEY, question=None, occurred_at=datetime(2026, 3, 1, tzinfo=UTC))
ID = DeliveryId("d")
STATES = list(DeliveryState)


def a_delivery(state: DeliveryState = DeliveryState.QUEUED, attempt: int = 0) -> Delivery:
    return Delivery(delivery_id=ID, intent=INTENT, state=state, attempt=attempt)


def suppress(one: Delivery) -> Step:
    return delivery.suppress(one, Suppressed.NO_LONGER_VISIBLE)


def fail(one: Delivery) -> Step:
    return delivery.failed(one, Failure.TRANSIENT)


MOVES = {
    suppress: DeliveryState.QUEUED,
    delivery.begin: DeliveryState.QUEUED,
    delivery.accepted: DeliveryState.SENDING,
    fail: DeliveryState.SENDING,
    delivery.abandoned: DeliveryState.SENDING,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("move", MOVES)
def test_a_move_from_a_state_that_does_not_have_it_raises(move: object, state: DeliveryState) -> None:
    if state is MOVES[move]:  # type: ignore[index]
        move(a_delivery(state, 1))  # type: ignore[operator]
    else:
        with pytest.raises(IllegalTransition):
            move(a_delivery(state, 1))  # type: ignore[operator]


def test_a_mail_that_is_accepted_is_sent_and_told_with_its_attempt() -> None:
    begun = delivery.begin(a_delivery(attempt=2))
    after, facts, again = delivery.accepted(begun)
    assert (after.state, after.attempt, after.settled, again) == (DeliveryState.SENT, 3, True, None)
    assert facts == (NotificationSent(delivery_id=ID, key=KEY, attempt=3),)


def test_a_suppressed_mail_says_why() -> None:
    after, facts, again = suppress(a_delivery())
    assert (after.state, after.reason, again) == (DeliveryState.SUPPRESSED, Suppressed.NO_LONGER_VISIBLE, None)
    assert facts == (NotificationSuppressed(delivery_id=ID, key=KEY, reason=Suppressed.NO_LONGER_VISIBLE),)


def test_a_transient_failure_queues_it_again_without_a_fact() -> None:
    after, facts, again = fail(delivery.begin(a_delivery()))
    assert (after, facts, again) == (a_delivery(attempt=1), (), RETRY_AFTER_S[0])


def test_an_attempt_without_a_trace_of_its_end_is_the_last() -> None:
    after, facts, again = delivery.abandoned(a_delivery(DeliveryState.SENDING, 1))
    assert (after.state, after.reason, again) == (DeliveryState.FAILED, Failed.OUTCOME_UNKNOWN, None)
    assert facts == (NotificationFailed(delivery_id=ID, key=KEY, attempt=1, reason=Failed.OUTCOME_UNKNOWN),)


@given(failures=st.lists(st.sampled_from(Failure), min_size=ATTEMPTS_MAX, max_size=ATTEMPTS_MAX))
def test_whatever_fails_it_ends_with_one_fact_and_was_perhaps_taken_once_at_most(failures: list[Failure]) -> None:
    one, perhaps_taken = a_delivery(), 0
    told: list[Fact] = []
    for failure in failures:
        if one.settled:
            break
        one, facts, again = delivery.failed(delivery.begin(one), failure)
        told += facts
        perhaps_taken += failure is Failure.UNCERTAIN
        assert one.settled == (again is None) == bool(facts)
    assert one.settled
    assert len(told) == 1
    assert perhaps_taken <= 1


@pytest.mark.parametrize(
    ("state", "reason", "again"),
    [
        (DeliveryState.QUEUED, None, False),
        (DeliveryState.SENDING, None, False),
        (DeliveryState.SENT, None, False),
        *((DeliveryState.SUPPRESSED, reason, True) for reason in Suppressed),
        *((DeliveryState.FAILED, reason, reason is not Failed.OUTCOME_UNKNOWN) for reason in Failed),
    ],
)
def test_called_for_anew_it_is_queued_again_only_if_it_certainly_never_went_out(
    state: DeliveryState,
    reason: Suppressed | Failed | None,
    again: bool,  # noqa: FBT001
) -> None:
    old = Delivery(delivery_id=ID, intent=INTENT, state=state, attempt=3, reason=reason)
    later = replace(INTENT, occurred_at=datetime(2026, 4, 1, tzinfo=UTC))
    assert delivery.renewed(old, later) == (Delivery(delivery_id=ID, intent=later) if again else None)


def test_the_three_ends_have_no_way_out() -> None:
    assert {state for state in STATES if not ALLOWED[state]} == set(STATES) - UNSETTLED


@pytest.mark.parametrize(
    ("roles", "admitted"), [({HR_ADMIN}, True), ({HR_ASSISTANT}, True), ({"service"}, False), ((), False)]
)
def test_only_hr_sees_what_became_of_mails(roles: set[str], admitted: bool) -> None:  # noqa: FBT001
    actor = Actor(person_id=PersonId("p"), roles=frozenset(roles))
    assert (unmet_list_deliveries(actor) == []) is admitted
    assert unseen_subject(actor) == "p"
    if not admitted:
        with pytest.raises(ForbiddenRole):
            refuse(unmet_list_deliveries(actor))
