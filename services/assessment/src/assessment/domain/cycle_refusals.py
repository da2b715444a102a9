"""Why commands on cycles and questionnaires are not carried out, beside what holds everywhere."""

from __future__ import annotations

from assessment.domain.refusals import Rank, Refusal


class CycleNotStartable(Refusal):
    """The cycle cannot start. `reasons`: a list of `{"code", …}`, each with the ids it is about."""

    code = "cycle-not-startable"
    rank = Rank.CONFLICT


class CycleIsStarted(Refusal):
    """The cycle is started, so this may no longer change. `fields`, where some of what was sent may."""

    code = "cycle-started"
    rank = Rank.CONFLICT


class QuestionnaireInUse(Refusal):
    """A questionnaire that a started cycle uses is copied, never edited."""

    code = "questionnaire-in-use"
    rank = Rank.CONFLICT


class QuestionsInvalid(Refusal):
    """The questions do not make a questionnaire. `problems`: a list of `{"question_id", "code"}`."""

    code = "questions-invalid"
    rank = Rank.UNPROCESSABLE


class UnknownTimeZone(Refusal):
    """The name is not an IANA time zone."""

    code = "unknown-time-zone"
    rank = Rank.UNPROCESSABLE


class SettingsContradict(Refusal):
    """The settings contradict each other. `fields`."""

    code = "settings-contradict"
    rank = Rank.UNPROCESSABLE


class UnknownQuestionnaire(Refusal):
    """There is no such questionnaire."""

    code = "unknown-questionnaire"
    rank = Rank.UNPROCESSABLE


class ParticipantTwice(Refusal):
    """The list names this person more than once."""

    code = "duplicate-person-id"
    rank = Rank.UNPROCESSABLE


class NotParticipating(Refusal):
    """This person does not take part in the cycle."""

    code = "not-participating"
    rank = Rank.UNPROCESSABLE


class TextsKept(Refusal):
    """Somebody has begun to write, and no text is ever lost: start the cycle and cancel the review."""

    code = "texts-kept"
    rank = Rank.CONFLICT
