"""Why commands on cycles and questionnaires are not carried out, beside what holds everywhere."""

from __future__ import annotations

from assessment.domain.refusals import Rank, Refusal


class CycleNotStartable(Refusal):
    """The cycle lacks what a start needs: set right what `reasons` name, each with the ids it is about.

    `reasons`: a list of `{"code", "detail", …}`.
    """

    code = "cycle-not-startable"
    rank = Rank.CONFLICT


class CycleIsStarted(Refusal):
    """The cycle is started, so that this is frozen: leave it as it is, or make another cycle.

    `fields`, where some of what was sent may.
    """

    code = "cycle-started"
    rank = Rank.CONFLICT


class QuestionnaireInUse(Refusal):
    """A started cycle asks this questionnaire, so that it is not edited any more: make a copy of it."""

    code = "questionnaire-in-use"
    rank = Rank.CONFLICT


class QuestionsInvalid(Refusal):
    """The questions do not make a questionnaire: set right what `problems` name.

    `problems`: a list of `{"question_id", "code", "detail"}`.
    """

    code = "questions-invalid"
    rank = Rank.UNPROCESSABLE


class UnknownTimeZone(Refusal):
    """There is no such time zone: name one as the IANA does, such as Europe/Berlin."""

    code = "unknown-time-zone"
    rank = Rank.UNPROCESSABLE


class SettingsContradict(Refusal):
    """The settings contradict each other: change one of those that are named. `fields`."""

    code = "settings-contradict"
    rank = Rank.UNPROCESSABLE


class UnknownQuestionnaire(Refusal):
    """There is no such questionnaire: name one that is there."""

    code = "unknown-questionnaire"
    rank = Rank.UNPROCESSABLE


class ParticipantTwice(Refusal):
    """The list names this person more than once: keep one of the rows."""

    code = "duplicate-person-id"
    rank = Rank.UNPROCESSABLE


class NotParticipating(Refusal):
    """This person does not take part in the cycle: leave the row out."""

    code = "not-participating"
    rank = Rank.UNPROCESSABLE


class TextsKept(Refusal):
    """Somebody has begun to write, and no text is ever lost: start the cycle and cancel the review."""

    code = "texts-kept"
    rank = Rank.CONFLICT
