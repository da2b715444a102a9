"""Reads for the API. What a reader may see is asked of the domain, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa

from reviewbus.problems import describe
from reviewbus.schema import decode_cursor, encode_cursor
from signing import store
from signing.domain import actions, people, reading, statement
from signing.domain.ids import PersonId, ReviewId
from signing.domain.record import HOLDER_OF, Holder, open_signers
from signing.domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reviewbus.db import Tx
    from reviewbus.problems import RefusalLike
    from signing.domain.people import Actor, Relation
    from signing.domain.reading import SignerView
    from signing.domain.record import SigningRecord

_REGISTER_FIELDS = ("state", "fence", "epoch", "snapshot_hash", "person_id")


def signatures(tx: Tx, actor: Actor, *, cursor: str | None, limit: int, cycle_id: UUID | None) -> dict[str, Any]:
    """Return a page of the reviews whose signatures the actor may read, newest first, without comments.

    A page is shorter than `limit` where the domain withholds rows of it.
    """
    query = _listed(actor, cycle_id, decode_cursor(cursor, UUID), limit + 1)
    found = [ReviewId(one) for one in tx.execute(query).scalars()]
    page = found[:limit]
    records = store.read_many(tx, page)
    # Whose superior the reviewee is makes no difference here: it only hides comments.
    shown = [
        (records[one], rel)
        for one in page
        if not reading.unmet_read(records[one], rel := people.relation(records[one], actor, {}))
    ]
    instants = store.signed_at(tx, [record for record, _ in shown])
    items = [_shown(record, rel, instants, {}) for record, rel in shown]
    return {"items": items, "next_cursor": encode_cursor(page[-1]) if len(found) > limit else None}


def signature(tx: Tx, review_id: ReviewId, actor: Actor) -> dict[str, Any]:
    """Return the signatures of one review with the comments that the actor may read.

    Raises:
        Refusal: one of `reading.unmet_read`.
    """
    record, rel = _found(tx, review_id, actor)
    view = reading.view(record, rel)
    wanted = [
        (review_id, one.role, digest)
        for one in view.signers
        if one.comment_visible and (digest := record.register(HOLDER_OF[one.role]).comment_hash) is not None
    ]
    texts = store.comments(tx, wanted) if wanted else {}
    return _shown(record, rel, store.signed_at(tx, [record]), texts)


def shown_statement(tx: Tx, review_id: ReviewId, actor: Actor) -> dict[str, Any]:
    """Return the exact words that the actor is to agree to, or has agreed to.

    Raises:
        Refusal: one of `statement.unmet_statement`.
    """
    record, rel = _found(tx, review_id, actor)
    words = statement.statement(record, rel)
    return {
        "review_id": review_id,
        "role": words.role,
        "statement_version": words.version,
        "text": words.text,
        "covers": {
            "snapshot_hash": words.covers.snapshot_hash,
            "manager_version": words.covers.manager_version,
            "self_version": words.covers.self_version,
        },
    }


def possible_actions(tx: Tx, review_id: ReviewId, actor: Actor) -> dict[str, Any]:
    """Return every command of signing with whether the actor may give it now.

    Raises:
        Refusal: one of `actions.unmet_ask_actions`.
    """
    record, rel = _found(tx, review_id, actor)
    return {
        "review_id": review_id,
        "actions": [
            {
                "name": one.name,
                "allowed": one.allowed,
                "changes": one.changes,
                "unmet": [describe(cast("RefusalLike", reason)) for reason in one.unmet],
            }
            for one in actions.actions(record, rel)
        ],
    }


def states(tx: Tx, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of all rows' registers, in the order of review ids."""
    row = store.record.c
    query = sa.select(row.review_id, row.changed_at).order_by(row.review_id).limit(limit + 1)
    if (after := decode_cursor(cursor, UUID)) is not None:
        query = query.where(row.review_id > str(after[0]))
    found = tx.execute(query).all()
    page = {ReviewId(one.review_id): one.changed_at for one in found[:limit]}
    records = store.read_many(tx, list(page))
    items = [_state(records[one], changed_at) for one, changed_at in page.items()]
    return {"items": items, "next_cursor": encode_cursor(items[-1]["review_id"]) if len(found) > limit else None}


def visibility(tx: Tx, items: Sequence[Mapping[str, Any]]) -> list[dict[str, bool]]:
    """Say of each item whether that person may open that signature now and its fence is still current."""
    wanted = [one for one in items if one["kind"] == "signature"]
    records = store.read_many(tx, sorted({ReviewId(str(one["review_id"])) for one in wanted}))
    return [{"allowed": one["kind"] == "signature" and _allowed(records, one)} for one in items]


def _listed(actor: Actor, cycle_id: UUID | None, after: tuple[UUID] | None, rows: int) -> sa.Select[Any]:
    """Return the query of review ids that could be the actor's, newest first; each part follows an index."""
    row = store.record.c
    query = sa.select(row.review_id).order_by(row.review_id.desc()).limit(rows)
    if cycle_id is not None:
        query = query.where(row.cycle_id == str(cycle_id))
    if after is not None:
        query = query.where(row.review_id < str(after[0]))
    if people.HR_ADMIN in actor.roles:
        return query
    own, team = (query.where(column == actor.person_id).subquery() for column in (row.subject_id, row.manager_id))
    either = sa.union(sa.select(own.c.review_id), sa.select(team.c.review_id)).subquery()
    return sa.select(either.c.review_id).order_by(either.c.review_id.desc()).limit(rows)


def _allowed(records: Mapping[ReviewId, SigningRecord], item: Mapping[str, Any]) -> bool:
    record = records.get(ReviewId(str(item["review_id"])))
    return record is not None and reading.visible(record, PersonId(item["person_id"]), at=item["at"])


def _found(tx: Tx, review_id: ReviewId, actor: Actor) -> tuple[SigningRecord, Relation]:
    record = store.read(tx, review_id)
    if record is None:
        raise NotFound
    return record, people.relation(record, actor, store.line(tx, actor.person_id, record.subject_id))


def _shown(
    record: SigningRecord, rel: Relation, instants: Mapping[Any, Any], texts: Mapping[Any, str]
) -> dict[str, Any]:
    view = reading.view(record, rel)
    return {
        "review_id": view.review_id,
        "cycle_id": record.cycle_id,
        "subject_id": record.subject_id,
        "manager_id": record.manager_id,
        "open": view.open,
        "signers": [
            _signer(one, instants.get((view.review_id, one.role)), texts.get((view.review_id, one.role)))
            for one in view.signers
        ],
        "completion": {
            "state": view.completion,
            "completed_by": view.completed_by,
            "rejection": view.completion_rejection,
        },
    }


def _signer(one: SignerView, signed_at: Any, comment: str | None) -> dict[str, Any]:
    return {
        "role": one.role,
        "person_id": one.person_id,
        "state": one.state,
        "fence": one.fence,
        "epoch": one.epoch,
        "snapshot_hash": one.snapshot_hash,
        "manager_version": one.manager_version,
        "self_version": one.self_version,
        "statement_version": one.statement_version,
        "signed_at": signed_at,
        "stale": one.stale,
        "rejection": one.rejection,
        "comment": comment,
    }


def _state(record: SigningRecord, changed_at: datetime) -> dict[str, Any]:
    registers = {
        holder.value: {name: getattr(record.register(holder), name) for name in _REGISTER_FIELDS} for holder in Holder
    }
    return {
        "review_id": record.review_id,
        "row_version": record.row_version,
        "changed_at": changed_at,
        "packet_epoch": record.packet_epoch,
        "open_signers": [role.value for role in open_signers(record)],
        "registers": registers,
    }
