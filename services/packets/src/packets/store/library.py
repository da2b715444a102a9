"""What packets are made of: questionnaires, fetched contents, selections. Read once per transaction, as needed.

The hash of a snapshot is taken here: canonical JSON over the ordered questions (id, hash of the text, hash of the
answer), the rating and its scale. No epoch, time or name is in it, so the same content has the same hash again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets.domain.ids import CycleId, QuestionId, SnapshotHash
from packets.domain.packet import CalibrationState, RatingShown
from packets.domain.rating import Scale
from packets.domain.readiness import Sources
from packets.domain.selection import Audience, Question, QuestionKind, Selection, shown_question_ids
from packets.store.tables import contents, cycles, questionnaires, selections
from reviewbus.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from packets.domain.ids import ReviewId
    from packets.domain.packet import Packet, SnapshotRef
    from reviewbus.db import Tx

# What calibrators rate on where the questionnaire asks the manager for no rating.
SCALE = Scale(lowest=1, highest=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """A fetched questionnaire; `questions` are as assessment answers them, in their order."""

    title: str
    questions: tuple[Mapping[str, Any], ...]

    @property
    def outline(self) -> tuple[Question, ...]:
        """The questions, their texts as hashes."""
        return tuple(
            Question(
                id=QuestionId(each["question_id"]),
                audience=Audience(each["audience"]),
                kind=QuestionKind(each["kind"]),
                text_hash=each["text_hash"],
            )
            for each in self.questions
        )

    @property
    def rated(self) -> Mapping[str, Any] | None:
        """The manager's first rating question: its scale is that of calibration."""
        kinds = (each for each in self.questions if (each["audience"], each["kind"]) == ("manager", "rating"))
        return next(kinds, None)

    @property
    def scale(self) -> Scale:
        """The scale of the calibrated rating."""
        words = self.rated["scale"] if self.rated else None
        return Scale(lowest=words["lowest"], highest=words["highest"]) if words else SCALE

    @property
    def labels(self) -> list[str]:
        """The names of that scale's steps, lowest first; may be empty."""
        words = self.rated["scale"] if self.rated else None
        return list(words.get("labels") or []) if words else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One immutable version of a manager-assessment; `answers` by question id."""

    content_hash: str
    questionnaire: tuple[str, int]
    answers: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Library:
    """The shelves of one transaction."""

    tx: Tx
    _questionnaires: dict[tuple[str, int], Questionnaire | None] = field(default_factory=dict)
    _contents: dict[tuple[str, int], Content | None] = field(default_factory=dict)
    _selections: dict[tuple[str, int | None], Selection] = field(default_factory=dict)
    _cycles: dict[str, tuple[str, int] | None] = field(default_factory=dict)

    def sources(self, packet: Packet) -> Sources:
        """What the domain needs to judge this packet anew."""
        return self.sources_of(packet.cycle_id, [packet])

    def sources_of(self, cycle_id: str, packets: Collection[Packet]) -> Sources:
        """The same for several packets of one cycle."""
        by_id = {packet.review_id: packet for packet in packets}
        return Sources(
            selection=self.selection(cycle_id), hash_of=lambda review_id, ref: self.hash_of(by_id[review_id], ref)
        )

    def selection(self, cycle_id: str, version: int | None = None) -> Selection:
        """The cycle's selection of that number, or its newest; version 0 where nobody chose."""
        if (cycle_id, version) not in self._selections:
            of_version = [] if version is None else [selections.c.version == version]
            self._selections[cycle_id, version] = self._read_selection(cycle_id, *of_version)
        return self._selections[cycle_id, version]

    def chosen(self, cycle_id: str) -> Selection:
        """The cycle's newest selection that a person chose; version 0 where nobody did."""
        return self._read_selection(cycle_id, selections.c.chosen_by.is_not(None))

    def questionnaire(self, key: tuple[str, int] | None) -> Questionnaire | None:
        """A questionnaire by id and version; None while it is not fetched."""
        if key is None:
            return None
        if key not in self._questionnaires:
            row = self.tx.execute(
                sa.select(questionnaires.c.title, questionnaires.c.questions).where(
                    questionnaires.c.id == key[0], questionnaires.c.version == key[1]
                )
            ).one_or_none()
            self._questionnaires[key] = (
                None if row is None else Questionnaire(title=row.title, questions=tuple(row.questions))
            )
        return self._questionnaires[key]

    def of_cycle(self, cycle_id: str) -> Questionnaire | None:
        """The questionnaire that the cycle names; None while it is not fetched."""
        if cycle_id not in self._cycles:
            row = self.tx.execute(
                sa.select(cycles.c.questionnaire_id, cycles.c.questionnaire_version).where(
                    cycles.c.cycle_id == cycle_id
                )
            ).one_or_none()
            self._cycles[cycle_id] = None if row is None else (row.questionnaire_id, row.questionnaire_version)
        return self.questionnaire(self._cycles[cycle_id])

    def content(self, review_id: str, version: int) -> Content | None:
        """A fetched version of a manager-assessment."""
        if (review_id, version) not in self._contents:
            self._shelve([(review_id, version)])
        return self._contents[review_id, version]

    def preload(self, packets: Collection[Packet]) -> None:
        """Take the contents of many packets from the database at once."""
        keys = [(packet.review_id, packet.manager_version) for packet in packets]
        self._shelve([key for key in keys if key not in self._contents])

    def hash_of(self, packet: Packet, ref: SnapshotRef) -> SnapshotHash | None:
        """The hash of what the reference names; None while something of it is not here."""
        content = self.content(packet.review_id, ref.manager_version)
        questionnaire = self.questionnaire(content.questionnaire) if content else None
        if content is None or questionnaire is None or content.content_hash != ref.content_hash:
            return None
        texts = {each["question_id"]: each["text_hash"] for each in questionnaire.questions}
        shown = self.shown(packet, ref, questionnaire)
        if not set(shown) <= set(texts):
            return None
        rows = [[each, texts[each], content.answers.get(each, {}).get("answer_hash")] for each in shown]
        value = self.rating_value(packet.review_id, ref)
        scale = questionnaire.scale
        rated = value is not None
        words: dict[str, Any] = {
            "questions": rows,
            "rating": {"value": value, "shown": ref.rating_shown.value} if rated else None,
            "scale": {"lowest": scale.lowest, "highest": scale.highest, "labels": questionnaire.labels}
            if rated
            else None,
        }
        return SnapshotHash(digest(words))

    def shown(self, packet: Packet, ref: SnapshotRef, questionnaire: Questionnaire) -> tuple[QuestionId, ...]:
        """The questions that the reference shows, in the order of the questionnaire that was answered."""
        required = packet.calibration is not CalibrationState.NOT_REQUIRED
        chosen = self.selection(packet.cycle_id, ref.selection_version)
        return shown_question_ids(chosen, calibration_required=required, asked=questionnaire.outline)

    def rating_value(self, review_id: ReviewId, ref: SnapshotRef) -> int | None:
        """The rating that stands beside the answers, if one does: the calibrated one, or the manager's as final."""
        if ref.rating_shown is RatingShown.CALIBRATED:
            return None if ref.rating is None else int(ref.rating)
        if ref.rating_shown is RatingShown.NONE:
            return None
        return self.manager_rating(review_id, ref.manager_version)

    def manager_rating(self, review_id: str, version: int) -> int | None:
        """What the manager answered to the first rating question."""
        content = self.content(review_id, version)
        questionnaire = self.questionnaire(content.questionnaire) if content else None
        if content is None or questionnaire is None or questionnaire.rated is None:
            return None
        value = content.answers.get(questionnaire.rated["question_id"], {}).get("value")
        return None if value is None else int(value)

    def _read_selection(self, cycle_id: str, *such: sa.ColumnElement[bool]) -> Selection:
        statement = sa.select(selections).where(selections.c.cycle_id == cycle_id, *such)
        row = self.tx.execute(statement.order_by(selections.c.version.desc()).limit(1)).mappings().one_or_none()
        if row is None:
            return Selection(cycle_id=CycleId(cycle_id))
        return Selection(
            cycle_id=CycleId(cycle_id),
            version=row["version"],
            questionnaire=(row["questionnaire_id"], row["questionnaire_version"]),
            followed=row["chosen_by"] is None,
            question_ids=tuple(QuestionId(each) for each in row["question_ids"]),
            rating_question_ids=frozenset(QuestionId(each) for each in row["rating_question_ids"]),
            shares_rating=row["shares_rating"],
        )

    def _shelve(self, keys: list[tuple[str, int]]) -> None:
        if not keys:
            return
        self._contents |= dict.fromkeys(keys, None)
        wanted = sa.tuple_(contents.c.review_id, contents.c.version).in_(keys)
        for row in self.tx.execute(sa.select(contents).where(wanted)).mappings():
            self._contents[row["review_id"], row["version"]] = Content(
                content_hash=row["content_hash"],
                questionnaire=(row["questionnaire_id"], row["questionnaire_version"]),
                answers={each["question_id"]: each for each in row["answers"]},
            )
