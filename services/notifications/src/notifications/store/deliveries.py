"""Deliveries: one per key, written from the state that was read; and the watermark of all effects."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from notifications.domain.delivery import UNSETTLED, Delivery, DeliveryState
from notifications.domain.ids import DeliveryId, PersonId, ReviewId
from notifications.domain.mails import Kind, MailIntent, MailKey, Question, Template
from notifications.domain.sending import Failed, Suppressed
from notifications.store.boards import LostUpdate
from notifications.store.tables import delivery, watermark
from reviewbus import tables
from reviewbus.db import insert_rows, uuids

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from reviewbus.db import Tx


def called_for(tx: Tx, review_ids: Collection[ReviewId]) -> dict[MailKey, Delivery]:
    """Return every delivery about these reviews by its key; whoever adds one has locked the review's board before."""
    if not review_ids:
        return {}
    wanted = delivery.c.review_id == sa.any_(uuids(review_ids))
    rows = tx.execute(sa.select(delivery).where(wanted)).mappings()
    return {one.intent.key: one for one in map(_delivery, rows)}


def add_deliveries(tx: Tx, intents: Sequence[MailIntent]) -> list[DeliveryId]:
    """Write a delivery for each of these mails, whose keys have none; return their ids."""
    if not intents:
        return []
    added = [Delivery(delivery_id=DeliveryId(str(tx.new_id())), intent=one) for one in intents]
    tx.execute(insert_rows(delivery, [{**_values(one), "created_at": tx.now} for one in added]))
    return [one.delivery_id for one in added]


def deliveries(tx: Tx, delivery_ids: Sequence[DeliveryId]) -> list[Delivery]:
    """Return these deliveries in the order of their ids; whoever writes them has locked their boards before."""
    rows = tx.execute(
        sa.select(delivery).where(delivery.c.delivery_id.in_(delivery_ids)).order_by(delivery.c.delivery_id)
    )
    return [_delivery(row) for row in rows.mappings()]


def save_delivery(tx: Tx, old: Delivery, new: Delivery) -> None:
    """Write a delivery that was read as `old`.

    Raises:
        LostUpdate: the row is not as `old` says.
    """
    written = tx.execute(
        sa.update(delivery)
        .where(delivery.c.delivery_id == old.delivery_id)
        .where(delivery.c.state == old.state.value, delivery.c.attempt == old.attempt)
        .values({**_values(new), "settled_at": tx.now if new.settled else None})
        .returning(delivery.c.delivery_id)
    ).first()
    if written is None:
        raise LostUpdate(old.delivery_id, old.state)


def stranded(tx: Tx, kind: str, *, after_s: float, rows_max: int) -> list[DeliveryId]:
    """Return deliveries older than `after_s` that have not come to an end and that no queued job of `kind` is for."""
    at_work = (
        sa.select(sa.literal(1))
        .where(tables.jobs.c.kind == kind, tables.jobs.c.status == "queued")
        .where(tables.jobs.c.key == sa.cast(delivery.c.delivery_id, sa.Text))
        .exists()
    )
    query = (
        sa.select(delivery.c.delivery_id)
        .where(delivery.c.state.in_([state.value for state in UNSETTLED]))
        .where(delivery.c.created_at <= tx.now - timedelta(seconds=after_s), ~at_work)
        .order_by(delivery.c.delivery_id)
        .limit(rows_max)
    )
    return [DeliveryId(one) for one in tx.execute(query).scalars()]


def effects_from(tx: Tx) -> datetime:
    """Return the instant from which on what happens may cause mails."""
    instant: datetime = tx.execute(sa.select(watermark.c.effects_from)).scalar_one()
    return instant


def move_watermark(tx: Tx) -> None:
    """From now on only what happens from now on causes mails."""
    tx.execute(sa.update(watermark).values(effects_from=sa.func.greatest(watermark.c.effects_from, tx.now)))


def _delivery(row: sa.RowMapping) -> Delivery:
    key = MailKey(
        recipient_id=PersonId(row["recipient_id"]),
        template=Template(row["template"]),
        review_id=ReviewId(row["review_id"]),
        occasion=row["occasion"],
    )
    kind = row["question_kind"]
    question = None if kind is None else Question(kind=Kind(kind), at=row["question_at"])
    state = DeliveryState(row["state"])
    return Delivery(
        delivery_id=DeliveryId(row["delivery_id"]),
        intent=MailIntent(key=key, question=question, occurred_at=row["occurred_at"]),
        state=state,
        attempt=row["attempt"],
        reason=_reason(state, row["reason"]),
    )


def _reason(state: DeliveryState, word: str | None) -> Suppressed | Failed | None:
    if word is None:
        return None
    return Suppressed(word) if state is DeliveryState.SUPPRESSED else Failed(word)


def _values(one: Delivery) -> dict[str, Any]:
    key, question = one.intent.key, one.intent.question
    return {
        "delivery_id": one.delivery_id,
        "review_id": key.review_id,
        "recipient_id": key.recipient_id,
        "template": key.template.value,
        "occasion": key.occasion,
        "question_kind": None if question is None else question.kind.value,
        "question_at": None if question is None else question.at,
        "occurred_at": one.intent.occurred_at,
        "state": one.state.value,
        "attempt": one.attempt,
        "reason": None if one.reason is None else one.reason.value,
    }
