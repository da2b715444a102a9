"""What is done about news and mails: lock the review's board, let the domain decide, save, emit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from notifications import events, store
from notifications.domain import delivery
from notifications.domain.board import new_board
from notifications.domain.delivery import DeliveryState
from notifications.domain.following import follow
from reviewbus import jobs, telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from notifications.domain.delivery import Delivery, Step
    from notifications.domain.ids import DeliveryId
    from notifications.domain.mails import MailIntent
    from notifications.domain.news import News
    from notifications.domain.sending import Failure, Suppress
    from reviewbus.db import Tx
    from reviewbus.jobs import Job

MAIL = "mail"
_log = telemetry.logger("notifications")


def learn(tx: Tx, told: Sequence[tuple[News, datetime]], *, silently: bool = False) -> None:
    """Take in facts about distinct reviews, each with the instant at which it came about, by few statements.

    Tasks follow from them at once; mails are queued unless they are taken in `silently`.
    """
    boards = store.load_or_create(tx, [new_board(news.about) for news, _ in told])
    steps = [
        (boards[news.about.review_id], follow(boards[news.about.review_id], news, occurred_at=occurred_at))
        for news, occurred_at in told
    ]
    changed = [(old, followed) for old, followed in steps if followed.board is not old]
    store.save(tx, [(old, followed.board) for old, followed in changed])
    store.put_tasks(tx, [followed.tasks for _, followed in changed])
    if not silently:
        _call_for(tx, [intent for _, followed in changed for intent in followed.mails])


def queue(tx: Tx, delivery_ids: Iterable[DeliveryId]) -> None:
    """Queue the sending of these deliveries."""
    jobs.enqueue_many(tx, MAIL, {one: {} for one in delivery_ids})


def take_up(tx: Tx, delivery_ids: Sequence[DeliveryId]) -> list[Delivery]:
    """Return those of these deliveries that wait to be sent.

    One whose attempt began and left no trace of its end is given up: the server may have taken it.
    """
    known = store.deliveries(tx, delivery_ids)
    store.load_many(tx, sorted({one.intent.key.review_id for one in known}))
    # Read again under the locks: only now do they stand still.
    current = store.deliveries(tx, delivery_ids)
    for one in current:
        if one.state is DeliveryState.SENDING:
            _keep(tx, one, delivery.abandoned(one), job=None)
    return [one for one in current if one.state is DeliveryState.QUEUED]


def suppress(tx: Tx, decided: Sequence[tuple[Delivery, Suppress]]) -> None:
    """Note that these mails are not sent, on purpose."""
    current = _current(tx, [one for one, _ in decided])
    for one, decision in decided:
        # Unless somebody else has had it meanwhile.
        if one in current:
            _keep(tx, one, delivery.suppress(one, decision.reason), job=None)


def pass_on(tx: Tx, sent: Delivery | None, following: Delivery | None) -> Delivery | None:
    """Note that the mail server has taken one mail, and that the attempt at the following one begins.

    Return the following one as it is then, or None if somebody else has had it.
    """
    current = _current(tx, [one for one in (sent, following) if one is not None])
    if sent is not None and sent in current:
        _keep(tx, sent, delivery.accepted(sent), job=None)
    if following is None or following not in current:
        return None
    begun = delivery.begin(following)
    store.save_delivery(tx, following, begun)
    return begun


def failed(tx: Tx, one: Delivery, failure: Failure, job: Job) -> None:
    """Note that the attempt has failed; it is queued again, or given up."""
    if one in _current(tx, [one]):
        _keep(tx, one, delivery.failed(one, failure), job=job)


def _call_for(tx: Tx, intents: Sequence[MailIntent]) -> None:
    """Queue these mails, as far as none went out under their keys."""
    known = store.called_for(tx, {one.key.review_id for one in intents})
    queue(tx, store.add_deliveries(tx, [one for one in intents if one.key not in known]))
    for one in intents:
        old = known.get(one.key)
        again = old and delivery.renewed(old, one)
        if old is not None and again is not None:
            store.save_delivery(tx, old, again)
            queue(tx, [again.delivery_id])


def _current(tx: Tx, known: Sequence[Delivery]) -> list[Delivery]:
    """Lock the reviews' boards and return the deliveries as they stand: one that is as it was, nobody else has had."""
    store.load_many(tx, sorted({one.intent.key.review_id for one in known}))
    return store.deliveries(tx, [one.delivery_id for one in known])


def _keep(tx: Tx, old: Delivery, step: Step, job: Job | None) -> None:
    new, facts, again_after_s = step
    store.save_delivery(tx, old, new)
    if job is not None and again_after_s is not None:
        jobs.finish(tx, job)
        later = tx.now + timedelta(seconds=again_after_s)
        jobs.enqueue(tx, MAIL, new.delivery_id, {}, run_at=later)
    first = store.number_events(tx, new.intent.key.review_id, len(facts))
    for number, fact in enumerate(facts, start=first):
        tx.emit(events.event(fact, sequence=number))
    reason = None if new.reason is None else new.reason.value
    _log.info("delivery_moved", delivery_id=new.delivery_id, state=new.state.value, attempt=new.attempt, reason=reason)
