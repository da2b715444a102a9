"""What is decided when a mail is sent, after it failed, and how a task is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from notifications.domain import sending
from notifications.domain.ids import PersonId, ReviewId
from notifications.domain.mails import Kind, MailIntent, MailKey, Question, Template
from notifications.domain.news import Deadline
from notifications.domain.sending import Failed, Failure, GiveUp, Retry, Send, Suppress, Suppressed
from notifications.domain.tasks import Task, TaskKey, TaskKind, Urgency, most_urgent_first, task_view, urgency

P = PersonId("p")
R = ReviewId("r")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def intent(question: Question | None) -> MailIntent:
    key = MailKey(recipient_id=P, template=Template.RELEASED, review_id=R, occasion="1")
    return MailIntent(key=key, question=question, occurred_at=NOW)


def decide(question: Question | None = None, **changes: object) -> sending.Decision:
    circumstances = {
        "allowed": True,
        "recipient_active": True,
        "has_address": True,
        "effects_from": NOW - timedelta(days=1),
        **changes,
    }
    return sending.decide(intent(question), **circumstances)  # type: ignore[arg-type]


PACKET = Question(kind=Kind.PACKET, at=1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"allowed": False}, Suppressed.NO_LONGER_VISIBLE),
        ({"recipient_active": False, "allowed": False}, Suppressed.RECIPIENT_INACTIVE),
        ({"has_address": False}, Suppressed.RECIPIENT_WITHOUT_ADDRESS),
        ({"effects_from": NOW + timedelta(seconds=1), "recipient_active": False}, Suppressed.BEFORE_WATERMARK),
    ],
)
def test_a_mail_is_suppressed_with_the_first_reason_against_it(changes: dict[str, object], reason: Suppressed) -> None:
    assert decide(PACKET, **changes) == Suppress(reason=reason)


def test_a_mail_that_its_reader_can_open_is_sent() -> None:
    assert decide(PACKET) == Send()
    assert decide(PACKET, effects_from=NOW) == Send()


def test_a_mail_that_points_to_nothing_hidden_needs_no_permission() -> None:
    assert decide(None, allowed=False) == Send()


def test_a_mail_is_tried_eight_times_with_growing_pauses_and_then_given_up() -> None:
    outcomes = [sending.after_failure(attempt, Failure.TRANSIENT) for attempt in range(1, 9)]
    pauses = [outcome.after_s for outcome in outcomes if isinstance(outcome, Retry)]
    assert len(pauses) == 7
    assert all(earlier < later for earlier, later in pairwise(pauses))
    assert outcomes[-1] == GiveUp(reason=Failed.SERVER_UNREACHABLE)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(Failure.PERMANENT, Failed.REFUSED_BY_SERVER), (Failure.UNCERTAIN, Failed.OUTCOME_UNKNOWN)],
)
def test_a_mail_refused_or_perhaps_taken_is_never_sent_again(failure: Failure, reason: Failed) -> None:
    assert sending.after_failure(1, failure) == GiveUp(reason=reason)


def due(hours: float) -> Deadline:
    return Deadline(day=date(2026, 3, 1), zone="Europe/Prague", instant=NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("deadline", "expected"),
    [
        (None, Urgency.UNDATED),
        (due(-1), Urgency.OVERDUE),
        (due(0), Urgency.OVERDUE),
        (due(1), Urgency.SOON),
        (due(72), Urgency.SOON),
        (due(72.1), Urgency.LATER),
    ],
)
def test_a_task_is_urgent_by_its_deadline(deadline: Deadline | None, expected: Urgency) -> None:
    assert urgency(deadline, now=NOW) is expected


def test_a_task_is_shown_with_a_path_that_opens_its_form() -> None:
    paths = {kind: task_view(Task(key=TaskKey(person_id=P, kind=kind, review_id=R)), now=NOW).path for kind in TaskKind}
    assert paths == {
        TaskKind.SELF_ASSESSMENT: "/reviews/r/self-assessment",
        TaskKind.MANAGER_ASSESSMENT: "/reviews/r/manager-assessment",
        TaskKind.RELEASE: "/reviews/r/packet",
        TaskKind.SIGN: "/reviews/r/signature",
    }


def test_the_most_urgent_task_comes_first_and_undated_ones_last() -> None:
    given = [(TaskKind.SIGN, None), (TaskKind.MANAGER_ASSESSMENT, due(5)), (TaskKind.SELF_ASSESSMENT, due(-5))]
    views = [
        task_view(Task(key=TaskKey(person_id=P, kind=kind, review_id=R), deadline=deadline), now=NOW)
        for kind, deadline in given
    ]
    assert [view.kind for view in most_urgent_first(views)] == [kind for kind, _ in reversed(given)]
