"""Which questions a cycle's packets show: opt-in, as a numbered immutable list, with a switch for the rating."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from packets.domain.facts import SharedQuestionsChanged
from packets.domain.packet import FROZEN, CalibrationState, Packet, Part, signed_holders
from packets.domain.people import HR_ADMIN, only
from packets.domain.refusals import (
    CycleClosed,
    QuestionnaireNotFetched,
    Refusal,
    StaleVersion,
    UnknownQuestions,
    VersionMissing,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packets.domain.ids import CycleId, PersonId, QuestionId
    from packets.domain.people import Actor


class Audience(StrEnum):
    """Who answers a question."""

    SELF = "self"
    MANAGER = "manager"


class QuestionKind(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    RATING = "rating"
    SINGLE_CHOICE = "single_choice"


class Binding(StrEnum):
    """How a packet stands to its cycle's newest selection: it has it, is to get it, or keeps an older one for now."""

    BOUND = "bound"
    TO_REBIND = "to_rebind"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of the cycle's questionnaire, its text as a hash."""

    id: QuestionId
    audience: Audience
    kind: QuestionKind
    text_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One numbered list of a cycle. Version 0, which nobody chose, is empty and of no questionnaire.

    It belongs to the `questionnaire` (id and version) that it was chosen from; `followed`: nobody chose it, it came
    with that questionnaire. `question_ids` are in that one's order; `rating_question_ids` are those among them that ask
    for a rating there. `shares_rating`: packets of calibrated reviews include the calibrated rating.
    """

    cycle_id: CycleId
    version: int = 0
    questionnaire: tuple[str, int] | None = None
    followed: bool = False
    question_ids: tuple[QuestionId, ...] = ()
    rating_question_ids: frozenset[QuestionId] = frozenset()
    shares_rating: bool = True


def unmet_see(actor: Actor) -> list[Refusal]:
    """Why the person cannot see what a cycle's packets show."""
    return [] if HR_ADMIN in actor.roles else [only(Part.HR_ADMIN)]


def unmet_change(
    selection: Selection,
    *,
    actor: Actor,
    expected_version: int | None,
    question_ids: Iterable[QuestionId],
    questions: tuple[Question, ...] | None,
    cycle_closed: bool,
) -> list[Refusal]:
    """Why HR cannot change the selection; `questions` is None while the questionnaire is not fetched."""
    if HR_ADMIN not in actor.roles:
        return [only(Part.HR_ADMIN)]
    reasons: list[Refusal] = [CycleClosed()] if cycle_closed else []
    if expected_version is None:
        reasons.append(VersionMissing())
    elif expected_version != selection.version:
        reasons.append(StaleVersion(current_version=selection.version))
    if questions is None:
        return [*reasons, QuestionnaireNotFetched()]
    known = {question.id for question in questions if question.audience is Audience.MANAGER}
    unknown = sorted(set(question_ids) - known)
    return [*reasons, UnknownQuestions(question_ids=unknown)] if unknown else reasons


def change(
    selection: Selection,
    *,
    actor: Actor,
    expected_version: int | None,
    question_ids: Iterable[QuestionId],
    shares_rating: bool,
    questionnaire: tuple[str, int],
    questions: tuple[Question, ...] | None,
    cycle_closed: bool = False,
) -> tuple[Selection, tuple[SharedQuestionsChanged, ...]]:
    """The next selection of the cycle; the same one, without a fact, if somebody has chosen just that already.

    Refuses as `unmet_change`. Who chooses what had only followed its questionnaire has chosen it from then on.
    The packets follow one by one, by `readiness.recompute` with the new selection.
    """
    wanted = frozenset(question_ids)
    refuse(
        unmet_change(
            selection,
            actor=actor,
            expected_version=expected_version,
            question_ids=wanted,
            questions=questions,
            cycle_closed=cycle_closed,
        )
    )
    chosen = [question for question in questions or () if question.id in wanted]
    changed = replace(_listing(selection, chosen), shares_rating=shares_rating, followed=False)
    if changed == selection:
        return selection, ()
    return _next(replace(changed, questionnaire=questionnaire), by=actor.person_id)


def follow(
    newest: Selection,
    *,
    chosen: Selection,
    known: tuple[Question, ...],
    questionnaire: tuple[str, int],
    questions: tuple[Question, ...],
) -> tuple[Selection, tuple[SharedQuestionsChanged, ...]]:
    """The next selection of a cycle whose questionnaire is another than the one of its newest: the system's act.

    It is `chosen`, HR's own last choice among the questions `known`, as far as the manager is still asked the same: by
    its id and kind in another version of the same questionnaire, and in another questionnaire by its text as well,
    since whoever writes one names its questions. What else is asked, HR did not choose to show. Where a questionnaire
    comes back, so does what was chosen from it.
    """
    same = chosen.questionnaire is not None and chosen.questionnaire[0] == questionnaire[0]
    asked = {each.id: _asks(each, by_text=not same) for each in known if each.id in chosen.question_ids}
    kept = [
        each
        for each in questions
        if each.audience is Audience.MANAGER and asked.get(each.id) == _asks(each, by_text=not same)
    ]
    followed = replace(_listing(newest, kept), shares_rating=chosen.shares_rating, questionnaire=questionnaire)
    return _next(replace(followed, followed=True), by=None)


def left_out(newest: Selection, chosen: Selection) -> tuple[QuestionId, ...]:
    """What HR chose last and is not shown, since it is not asked any more, or in another kind."""
    return tuple(each for each in chosen.question_ids if each not in newest.question_ids)


def shown_question_ids(
    selection: Selection, *, calibration_required: bool, asked: Iterable[Question] = ()
) -> tuple[QuestionId, ...]:
    """The questions whose answers a packet shows. Where reviews are calibrated, rating answers are never among them.

    A rating is what was one where the selection was made, and what is one among the questions that were `asked`.
    """
    if not calibration_required:
        return selection.question_ids
    ratings = selection.rating_question_ids | {each.id for each in asked if each.kind is QuestionKind.RATING}
    return tuple(each for each in selection.question_ids if each not in ratings)


def may_be_rebound(packet: Packet) -> bool:
    """Whether a new selection takes effect now. Released packets keep theirs; a signed one waits until HR revokes."""
    return packet.state not in FROZEN and not signed_holders(packet)


def binding(packet: Packet, selection: Selection) -> Binding:
    """How the packet stands to the cycle's newest selection."""
    if packet.selection_version >= selection.version:
        return Binding.BOUND
    return Binding.TO_REBIND if may_be_rebound(packet) else Binding.KEPT


def bind(packet: Packet, selection: Selection) -> Packet:
    """The packet with the cycle's selection, if that is newer than its own and may take effect now."""
    if binding(packet, selection) is not Binding.TO_REBIND:
        return packet
    required = packet.calibration is not CalibrationState.NOT_REQUIRED
    return replace(
        packet,
        selection_version=selection.version,
        shared_count=len(shown_question_ids(selection, calibration_required=required)),
        shares_rating=selection.shares_rating,
    )


def _asks(question: Question, *, by_text: bool) -> tuple[QuestionKind, str]:
    return question.kind, question.text_hash if by_text else ""


def _listing(selection: Selection, questions: Iterable[Question]) -> Selection:
    listed = tuple(questions)
    return replace(
        selection,
        question_ids=tuple(each.id for each in listed),
        rating_question_ids=frozenset(each.id for each in listed if each.kind is QuestionKind.RATING),
    )


def _next(changed: Selection, *, by: PersonId | None) -> tuple[Selection, tuple[SharedQuestionsChanged, ...]]:
    numbered = replace(changed, version=changed.version + 1)
    fact = SharedQuestionsChanged(
        cycle_id=numbered.cycle_id,
        selection_version=numbered.version,
        question_count=len(numbered.question_ids),
        by=by,
    )
    return numbered, (fact,)
