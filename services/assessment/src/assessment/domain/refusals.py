"""Why a command is not carried out: one class per business reason, and the order in which reasons answer."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rank(IntEnum):
    """The order in which refusals answer; the first present decides the status."""

    NOT_FOUND = 1  # 404
    FORBIDDEN = 2  # 403
    CLOSED = 3  # 409 cancelled, cycle closed
    LOCKED = 4  # 423
    CONFLICT = 5  # 409
    VERSION_MISSING = 6  # 428
    STALE = 7  # 412
    UNPROCESSABLE = 8  # 422


class Refusal(Exception):
    """A business reason why a command is not carried out.

    Each reason is a subclass with a stable kebab-case `code`. `params` are JSON-able and never hold text, ratings or
    names. `unmet` holds all reasons that were present, this one first; `refuse` sets it.
    `keep_backup` says that the text which came with the refused command is kept as its author's backup.
    """

    code: ClassVar[str]
    rank: ClassVar[Rank]
    keep_backup: ClassVar[bool] = False

    def __init__(self, detail: str = "", **params: object) -> None:
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
        self.detail = detail
        self.params = params
        self.unmet: tuple[Refusal, ...] = (self,)


def refuse(reasons: Iterable[Refusal]) -> None:
    """Raise the first reason in rank order (stable within a rank), carrying all; return when there is none."""
    ordered = in_rank_order(reasons)
    if ordered:
        ordered[0].unmet = ordered
        raise ordered[0]


def in_rank_order(reasons: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """The reasons as they answer, stable within a rank."""
    return tuple(sorted(reasons, key=lambda reason: reason.rank))


class NotFound(Refusal):
    """Nothing that this person may know of is here."""

    code = "not-found"
    rank = Rank.NOT_FOUND


class ForbiddenRole(Refusal):
    """The person's roles do not admit this; the words say whose do."""

    code = "forbidden-role"
    rank = Rank.FORBIDDEN


class SelfDealing(Refusal):
    """You report, directly or not, to the person whom this is about: somebody with your role who does not must act."""

    code = "self-dealing"
    rank = Rank.FORBIDDEN


class UnknownPerson(Refusal):
    """The directory lacks you or the person whom this is about: import them, and self-dealing can be excluded."""

    code = "unknown-person"
    rank = Rank.FORBIDDEN


class AuthorOnly(Refusal):
    """Only who wrote the self-assessment takes it back: ask the employee."""

    code = "author-only"
    rank = Rank.FORBIDDEN


class ReviewIsCancelled(Refusal):
    """The review was cancelled: leave it out, nothing of it goes on."""

    code = "review-cancelled"
    rank = Rank.CLOSED
    keep_backup = True


class CycleIsClosed(Refusal):
    """The cycle is closed: nothing but taking back what was released or signed is possible any more."""

    code = "cycle-closed"
    rank = Rank.CLOSED
    keep_backup = True


class LockedSigned(Refusal):
    """A signature or the completion is held: HR must revoke them first. `holders`, except to the employee."""

    code = "locked-signed"
    rank = Rank.LOCKED
    keep_backup = True


class LockedReleased(Refusal):
    """The packet is released: it must be taken back first. `holders`."""

    code = "locked-released"
    rank = Rank.LOCKED
    keep_backup = True


class Locked(Refusal):
    """The review is locked: what it shows can be read only."""

    code = "locked"
    rank = Rank.LOCKED
    keep_backup = True


class NotStarted(Refusal):
    """The cycle is not started: wait until HR starts it."""

    code = "not-started"
    rank = Rank.CONFLICT
    keep_backup = True


class DeadlinePassed(Refusal):
    """The deadline of this side has passed: ask HR for a later one. `deadline` as ISO instant."""

    code = "deadline-passed"
    rank = Rank.CONFLICT
    keep_backup = True


class UnshareFirst(Refusal):
    """The self-assessment is shared, and is not written while it is: take it back first."""

    code = "unshare-first"
    rank = Rank.CONFLICT
    keep_backup = True


class SelfStageWaived(Refusal):
    """HR has waived the self-assessment: ask HR to withdraw that."""

    code = "self-assessment-waived"
    rank = Rank.CONFLICT
    keep_backup = True


class NotWaived(Refusal):
    """The self-assessment is not waived: there is nothing to withdraw."""

    code = "not-waived"
    rank = Rank.CONFLICT


class NothingToShare(Refusal):
    """No draft was ever saved: save one first."""

    code = "nothing-to-share"
    rank = Rank.CONFLICT


class AlreadyShared(Refusal):
    """The self-assessment is shared: take it back first if something is to change."""

    code = "already-shared"
    rank = Rank.CONFLICT


class NotShared(Refusal):
    """The self-assessment is not shared: there is nothing to take back."""

    code = "not-shared"
    rank = Rank.CONFLICT


class NothingToSubmit(Refusal):
    """No draft of the manager was ever saved: save one first."""

    code = "nothing-to-submit"
    rank = Rank.CONFLICT


class AlreadySubmitted(Refusal):
    """The manager-assessment is submitted: what is saved from now on changes it at once."""

    code = "already-submitted"
    rank = Rank.CONFLICT


class ManagerAssessmentNotSubmitted(Refusal):
    """The manager-assessment is not submitted, or was reopened: its manager must submit it."""

    code = "manager-assessment-not-submitted"
    rank = Rank.CONFLICT


class RatingCalibrated(Refusal):
    """The rating was calibrated: HR and the calibrators change it, the manager does not. `question_ids`."""

    code = "rating-calibrated"
    rank = Rank.CONFLICT
    keep_backup = True


class VersionMissing(Refusal):
    """The version that this is based on was not named."""

    code = "version-missing"
    rank = Rank.VERSION_MISSING


class StaleVersion(Refusal):
    """The named version is not the current one. `current_version`."""

    code = "stale-version"
    rank = Rank.STALE
    keep_backup = True


class AnswersMissing(Refusal):
    """Required questions are unanswered: answer those that are named. `question_ids`."""

    code = "answers-missing"
    rank = Rank.UNPROCESSABLE


class AnswersInvalid(Refusal):
    """Answers do not fit the questionnaire: set right what `problems` name.

    `problems`: a list of `{"question_id", "code", "detail"}`.
    """

    code = "answers-invalid"
    rank = Rank.UNPROCESSABLE


class ReviewerIsReviewee(Refusal):
    """Nobody is the reviewer of the own review: name somebody else. `person_ids`."""

    code = "reviewer-is-reviewee"
    rank = Rank.UNPROCESSABLE


class ReportingLineLoop(Refusal):
    """Somebody would be above themselves, or be reviewed by somebody below them: name another manager. `person_ids`."""

    code = "reporting-line-loop"
    rank = Rank.UNPROCESSABLE


class UnknownParticipant(Refusal):
    """People who are not in the directory, or have left, cannot take part: import them, or name others.

    `person_ids`.
    """

    code = "unknown-participant"
    rank = Rank.UNPROCESSABLE


class ReasonMissing(Refusal):
    """No reason was given."""

    code = "reason-missing"
    rank = Rank.UNPROCESSABLE
