"""What people wrote: every version for good, their backups, and who has read what. The only tables with texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assessment.store.tables import backup, content, content_read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from assessment.domain.ids import QuestionId
    from assessment.domain.questionnaire import Answer
    from reviewbus.db import Tx

BACKUPS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The answers of one side: `[{question_id, kind, value, answer_hash}]` in order, and the hash over all."""

    questionnaire_id: str
    questionnaire_version: int
    answers: tuple[Mapping[str, Any], ...] = ()
    content_hash: str
    chars: int

    @property
    def hashes(self) -> dict[str, str]:
        """Return each answer's hash by question."""
        return {one["question_id"]: one["answer_hash"] for one in self.answers}

    @property
    def values(self) -> dict[QuestionId, Answer]:
        """Return the answers by question, as people send them."""
        return {one["question_id"]: one["value"] for one in self.answers}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A stored version of one side."""

    content: Content
    version: int
    author_id: str
    saved_at: datetime


def add(tx: Tx, review_id: str, side: str, version: int, *, written: Content, author_id: str) -> None:
    """Store a new version, for good."""
    tx.execute(
        sa.insert(content).values(
            review_id=review_id,
            side=side,
            version=version,
            questionnaire_id=written.questionnaire_id,
            questionnaire_version=written.questionnaire_version,
            answers=[dict(one) for one in written.answers],
            content_hash=written.content_hash,
            chars=written.chars,
            author_id=author_id,
            saved_at=tx.now,
        )
    )


def read(tx: Tx, review_id: str, side: str, version: int) -> Version | None:
    """Return one version of one side."""
    query = sa.select(content).where(
        content.c.review_id == review_id, content.c.side == side, content.c.version == version
    )
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else stored(row)


def stored(row: Mapping[Any, Any]) -> Version:
    """Translate a row of the table."""
    return Version(
        content=Content(
            questionnaire_id=row["questionnaire_id"],
            questionnaire_version=row["questionnaire_version"],
            answers=tuple(row["answers"]),
            content_hash=row["content_hash"],
            chars=row["chars"],
        ),
        version=row["version"],
        author_id=row["author_id"],
        saved_at=row["saved_at"],
    )


def record_read(tx: Tx, review_id: str, *, reader_id: str, self_version: int) -> None:
    """Keep that this person has read this version of the self-assessment; the first time counts."""
    tx.execute(
        insert(content_read)
        .values(review_id=review_id, reader_id=reader_id, self_version=self_version, read_at=tx.now)
        .on_conflict_do_nothing()
    )


def was_read(tx: Tx, review_id: str, *, reader_id: str, self_version: int) -> bool:
    """Say whether this person has read this version of the self-assessment."""
    query = sa.select(content_read.c.read_at).where(
        content_read.c.review_id == review_id,
        content_read.c.reader_id == reader_id,
        content_read.c.self_version == self_version,
    )
    return tx.execute(query).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A text to be kept beside the versions. `kind`: `autosave` or `refused`."""

    review_id: str
    side: str
    author_id: str
    kind: str
    answers: Mapping[str, Any]
    answers_hash: str
    chars: int


def keep(tx: Tx, kept: Backup) -> tuple[int, datetime]:
    """Store a backup unless it is what the author's newest one holds; return its number and instant.

    The newest `BACKUPS_MAX` of each author and side stay. The review's row must be locked.
    """
    mine = (
        (backup.c.review_id == kept.review_id) & (backup.c.side == kept.side) & (backup.c.author_id == kept.author_id)
    )
    newest = tx.execute(
        sa.select(backup.c.number, backup.c.answers_hash, backup.c.saved_at)
        .where(mine)
        .order_by(backup.c.number.desc())
        .limit(1)
    ).one_or_none()
    if newest is not None and newest.answers_hash == kept.answers_hash:
        return int(newest.number), newest.saved_at
    number = 1 if newest is None else int(newest.number) + 1
    tx.execute(
        sa.insert(backup).values(
            review_id=kept.review_id,
            side=kept.side,
            author_id=kept.author_id,
            number=number,
            kind=kept.kind,
            answers=dict(kept.answers),
            answers_hash=kept.answers_hash,
            chars=kept.chars,
            saved_at=tx.now,
        )
    )
    tx.execute(sa.delete(backup).where(mine, backup.c.number <= number - BACKUPS_MAX))
    return number, tx.now


def read_backup(tx: Tx, review_id: str, side: str, author_id: str, number: int) -> Mapping[str, Any] | None:
    """Return one backup of one author."""
    query = sa.select(backup).where(
        backup.c.review_id == review_id,
        backup.c.side == side,
        backup.c.author_id == author_id,
        backup.c.number == number,
    )
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else {str(name): value for name, value in row.items()}
