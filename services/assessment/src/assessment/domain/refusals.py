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
        super().__init__(detail or self.code)
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
    """The object does not exist for this reader."""

    code = "not-found"
    rank = Rank.NOT_FOUND


class ForbiddenRole(Refusal):
    """The person's role does not admit this."""

    code = "forbidden-role"
    rank = Rank.FORBIDDEN


class SelfDealing(Refusal):
    """An HR act on the review of somebody to whom the actor reports; another HR Admin must act."""

    code = "self-dealing"
    rank = Rank.FORBIDDEN


class UnknownPerson(Refusal):
    """The directory lacks the actor or the reviewee, so self-dealing cannot be ruled out."""

    code = "unknown-person"
    rank = Rank.FORBIDDEN


class AuthorOnly(Refusal):
    """Only who wrote the self-assessment takes it back."""

    code = "author-only"
    rank = Rank.FORBIDDEN


class ReviewIsCancelled(Refusal):
    """The review was cancelled."""

    code = "review-cancelled"
    rank = Rank.CLOSED
    keep_backup = True


class CycleIsClosed(Refusal):
    """The cycle is closed."""

    code = "cycle-closed"
    rank = Rank.CLOSED
    keep_backup = True


class LockedSigned(Refusal):
    """A signature or the completion holds the review. `holders`, except to the employee."""

    code = "locked-signed"
    rank = Rank.LOCKED
    keep_backup = True


class LockedReleased(Refusal):
    """The release holds the review. `holders`."""

    code = "locked-released"
    rank = Rank.LOCKED
    keep_backup = True


class Locked(Refusal):
    """The review is locked."""

    code = "locked"
    rank = Rank.LOCKED
    keep_backup = True


class NotStarted(Refusal):
    """The cycle is not started."""

    code = "not-started"
    rank = Rank.CONFLICT
    keep_backup = True


class DeadlinePassed(Refusal):
    """The effective deadline of this side has passed. `deadline` as ISO instant."""

    code = "deadline-passed"
    rank = Rank.CONFLICT
    keep_backup = True


class UnshareFirst(Refusal):
    """A shared self-assessment is not written; it is unshared first."""

    code = "unshare-first"
    rank = Rank.CONFLICT
    keep_backup = True


class SelfStageWaived(Refusal):
    """HR has waived the self stage."""

    code = "self-assessment-waived"
    rank = Rank.CONFLICT
    keep_backup = True


class NotWaived(Refusal):
    """There is no waiver to withdraw."""

    code = "not-waived"
    rank = Rank.CONFLICT


class NothingToShare(Refusal):
    """No draft was ever saved."""

    code = "nothing-to-share"
    rank = Rank.CONFLICT


class AlreadyShared(Refusal):
    """The self-assessment is shared."""

    code = "already-shared"
    rank = Rank.CONFLICT


class NotShared(Refusal):
    """The self-assessment is not shared."""

    code = "not-shared"
    rank = Rank.CONFLICT


class NothingToSubmit(Refusal):
    """No manager draft was ever saved."""

    code = "nothing-to-submit"
    rank = Rank.CONFLICT


class AlreadySubmitted(Refusal):
    """The manager-assessment is submitted."""

    code = "already-submitted"
    rank = Rank.CONFLICT


class ManagerAssessmentNotSubmitted(Refusal):
    """The manager-assessment is not submitted."""

    code = "manager-assessment-not-submitted"
    rank = Rank.CONFLICT


class RatingCalibrated(Refusal):
    """The manager does not change what was calibrated; HR and the calibrators do. `question_ids`."""

    code = "rating-calibrated"
    rank = Rank.CONFLICT
    keep_backup = True


class VersionMissing(Refusal):
    """Name the version that this is based on: send the ETag that you were given as If-Match."""

    code = "version-missing"
    rank = Rank.VERSION_MISSING


class StaleVersion(Refusal):
    """The named version is not the current one. `current_version`."""

    code = "stale-version"
    rank = Rank.STALE
    keep_backup = True


class AnswersMissing(Refusal):
    """Required questions are unanswered. `question_ids`."""

    code = "answers-missing"
    rank = Rank.UNPROCESSABLE


class AnswersInvalid(Refusal):
    """Answers do not fit the questionnaire. `problems`: a list of `{"question_id", "code"}`."""

    code = "answers-invalid"
    rank = Rank.UNPROCESSABLE


class ReviewerIsReviewee(Refusal):
    """Nobody is the reviewer of the own review. `person_ids`."""

    code = "reviewer-is-reviewee"
    rank = Rank.UNPROCESSABLE


class ReportingLineLoop(Refusal):
    """The reporting line would close on itself, or a reviewer reports to the reviewee. `person_ids`."""

    code = "reporting-line-loop"
    rank = Rank.UNPROCESSABLE


class UnknownParticipant(Refusal):
    """People who are not in the directory, or not active, cannot take part. `person_ids`."""

    code = "unknown-participant"
    rank = Rank.UNPROCESSABLE


class ReasonMissing(Refusal):
    """This command needs a reason."""

    code = "reason-missing"
    rank = Rank.UNPROCESSABLE
