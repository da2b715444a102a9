"""What was learnt and fetched: cycles, questionnaires, contents, selections, names, PDFs. All SQL that writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert

from packets.store.tables import contents, cycles, packets, pdf_files, questionnaires, selections, snapshots
from reviewbus.db import one, uuids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from packets.domain.ids import PersonId
    from packets.domain.packet import Packet
    from packets.domain.selection import Selection
    from reviewbus.db import Tx

FAILURES_KEPT = timedelta(days=1)
_FROZEN = {
    "subject": snapshots.c.subject_name,
    "manager": snapshots.c.manager_name,
    "cycle": snapshots.c.cycle_name,
    "language": snapshots.c.language,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """What packets knows of a cycle."""

    cycle_id: str
    questionnaire: tuple[str, int]
    frozen: bool
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that are frozen with a snapshot; None until they were fetched, or where there is none."""

    subject: str | None = None
    manager: str | None = None
    cycle: str | None = None
    language: str | None = None


def cycle(tx: Tx, cycle_id: str, *, lock: bool = False) -> Cycle | None:
    """A cycle that packets was told of; locked, it keeps others from choosing its questions at the same time."""
    statement = sa.select(cycles).where(cycles.c.cycle_id == cycle_id)
    row = one(tx.execute(statement.with_for_update(key_share=True) if lock else statement))
    if row is None:
        return None
    questionnaire = (row["questionnaire_id"], row["questionnaire_version"])
    return Cycle(cycle_id=cycle_id, questionnaire=questionnaire, frozen=row["frozen"], closed=row["closed"])


def learn_cycle(
    tx: Tx, cycle_id: str, questionnaire: tuple[str, int], *, version: int, frozen: bool, closed: bool | None = None
) -> None:
    """Keep what a fact says of a cycle. A frozen questionnaire stays; `closed` follows the newest version told.

    A review's fact, which knows no version of the cycle, passes 0 and says nothing about `closed`.
    """
    statement = insert(cycles).values(
        cycle_id=cycle_id,
        version=version,
        questionnaire_id=questionnaire[0],
        questionnaire_version=questionnaire[1],
        frozen=frozen,
        closed=bool(closed),
    )
    new, newer = statement.excluded, cycles.c.version < statement.excluded.version
    renamed = sa.and_(~cycles.c.frozen, sa.or_(new.frozen, newer))
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[cycles.c.cycle_id],
            set_={
                "version": sa.func.greatest(cycles.c.version, new.version),
                "questionnaire_id": sa.case((renamed, new.questionnaire_id), else_=cycles.c.questionnaire_id),
                "questionnaire_version": sa.case(
                    (renamed, new.questionnaire_version), else_=cycles.c.questionnaire_version
                ),
                "frozen": sa.or_(cycles.c.frozen, new.frozen),
                "closed": sa.case((newer, new.closed), else_=cycles.c.closed),
            },
            where=sa.or_(newer, sa.and_(new.frozen, ~cycles.c.frozen)),
        )
    )


def lock_asking(tx: Tx, questionnaire: tuple[str, int]) -> list[str]:
    """The cycles with this questionnaire, locked."""
    statement = (
        sa.select(cycles.c.cycle_id)
        .where(cycles.c.questionnaire_id == questionnaire[0], cycles.c.questionnaire_version == questionnaire[1])
        .order_by(cycles.c.cycle_id)
        .with_for_update(key_share=True)
    )
    return list(tx.execute(statement).scalars())


def has_questionnaire(tx: Tx, questionnaire: tuple[str, int]) -> bool:
    """Say whether the questionnaire is here."""
    statement = sa.select(questionnaires.c.id).where(
        questionnaires.c.id == questionnaire[0], questionnaires.c.version == questionnaire[1]
    )
    return tx.execute(statement).first() is not None


def keep_questionnaire(tx: Tx, item: Mapping[str, Any]) -> None:
    """Keep a fetched questionnaire; one that is here stays as it is."""
    values = {
        "id": item["id"],
        "version": item["version"],
        "content_hash": item["content_hash"],
        "title": item.get("title") or "",
        "questions": list(item["questions"]),
        "fetched_at": tx.now,
    }
    tx.execute(insert(questionnaires).values(values).on_conflict_do_nothing())


def keep_contents(tx: Tx, items: Sequence[Mapping[str, Any]]) -> None:
    """Keep fetched versions of manager-assessments; those that are here stay as they are."""
    rows = [
        {
            "review_id": item["id"],
            "version": item["version"],
            "content_hash": item["content_hash"],
            "questionnaire_id": item["questionnaire_id"],
            "questionnaire_version": item["questionnaire_version"],
            "answers": list(item["answers"]),
            "fetched_at": tx.now,
        }
        for item in items
    ]
    if rows:
        tx.execute(insert(contents).values(rows).on_conflict_do_nothing())


def keep_selection(tx: Tx, selection: Selection, *, chosen_by: PersonId | None) -> None:
    """Add a cycle's next selection; there is never a second one of its number. `chosen_by` None: it came by itself."""
    if selection.questionnaire is None:
        message = f"selection {selection.version} of {selection.cycle_id} belongs to no questionnaire"
        raise AssertionError(message)
    values = {
        "cycle_id": selection.cycle_id,
        "version": selection.version,
        "questionnaire_id": selection.questionnaire[0],
        "questionnaire_version": selection.questionnaire[1],
        "question_ids": list(selection.question_ids),
        "rating_question_ids": sorted(selection.rating_question_ids),
        "shares_rating": selection.shares_rating,
        "chosen_by": chosen_by,
        "chosen_at": tx.now,
    }
    tx.execute(insert(selections).values(values))


def names(tx: Tx, packet: Packet) -> Names:
    """The names that were frozen with the packet's snapshot."""
    if packet.snapshot is None:
        return Names()
    statement = sa.select(*(frozen.label(name) for name, frozen in _FROZEN.items())).where(
        snapshots.c.review_id == packet.review_id,
        snapshots.c.hash == packet.snapshot.hash,
        snapshots.c.manager_id == packet.manager_id,
    )
    row = tx.execute(statement).mappings().one_or_none()
    return Names() if row is None else Names(**row)


def subject_names(tx: Tx, review_ids: Collection[str]) -> dict[str, str]:
    """What the employees of these reviews are called, as it was frozen last; as far as it ever was."""
    newest = (
        sa.select(snapshots.c.review_id, snapshots.c.subject_name)
        .where(snapshots.c.review_id == sa.any_(uuids(review_ids)), snapshots.c.subject_name.is_not(None))
        .ext(distinct_on(snapshots.c.review_id))
        .order_by(snapshots.c.review_id, snapshots.c.taken_at.desc())
    )
    return {row.review_id: row.subject_name for row in tx.execute(newest)}


def manager_names(tx: Tx, cycle_id: str, manager_ids: Collection[str]) -> dict[str, str]:
    """What these managers are called, as it was frozen last with a packet of the cycle; as far as it ever was."""
    newest = (
        sa.select(snapshots.c.manager_id, snapshots.c.manager_name)
        .join(packets, sa.and_(packets.c.review_id == snapshots.c.review_id, packets.c.cycle_id == cycle_id))
        .where(snapshots.c.manager_id.in_(manager_ids), snapshots.c.manager_name.is_not(None))
        .ext(distinct_on(snapshots.c.manager_id))
        .order_by(snapshots.c.manager_id, snapshots.c.taken_at.desc())
    )
    return {row.manager_id: row.manager_name for row in tx.execute(newest)}


def freeze_names(tx: Tx, packet: Packet, chosen: Names) -> None:
    """Freeze the names of a packet's people and cycle with its snapshot, unless that was done before."""
    if packet.snapshot is None:
        return
    tx.execute(
        sa.update(snapshots)
        .where(
            snapshots.c.review_id == packet.review_id,
            snapshots.c.hash == packet.snapshot.hash,
            snapshots.c.manager_id == packet.manager_id,
            snapshots.c.subject_name.is_(None),
        )
        .values({frozen: getattr(chosen, name) for name, frozen in _FROZEN.items()})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFile:
    """A rendered packet, or why none comes of it."""

    body: bytes | None
    failure: str | None


def pdf_file(tx: Tx, key: str) -> PdfFile | None:
    """The file under a key; None until it was rendered."""
    row = tx.execute(sa.select(pdf_files.c.body, pdf_files.c.failure).where(pdf_files.c.key == key)).one_or_none()
    if row is None:
        return None
    return PdfFile(body=None if row.body is None else bytes(row.body), failure=row.failure)


def has_pdf(tx: Tx, key: str) -> bool:
    """Say whether the file was rendered, without reading it."""
    return tx.execute(sa.select(pdf_files.c.key).where(pdf_files.c.key == key)).first() is not None


def keep_pdf(tx: Tx, key: str, *, snapshot_hash: str, body: bytes | None, failure: str | None = None) -> None:
    """Keep a file, or the reason why there is none; one that is here stays, since it is the same."""
    values = {"key": key, "snapshot_hash": snapshot_hash, "body": body, "failure": failure, "rendered_at": tx.now}
    tx.execute(insert(pdf_files).values(values).on_conflict_do_nothing())


def forget_pdfs(tx: Tx, before: datetime) -> int:
    """Delete files rendered before an instant; whoever asks again has them rendered again, byte for byte.

    Also yesterday's failures: a machine that had too much to do then may have less.
    """
    failed = sa.and_(pdf_files.c.failure.is_not(None), pdf_files.c.rendered_at < tx.now - FAILURES_KEPT)
    gone = tx.execute(
        sa.delete(pdf_files).where(sa.or_(pdf_files.c.rendered_at < before, failed)).returning(sa.literal(1))
    )
    return len(gone.all())
