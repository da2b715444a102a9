"""The business reasons why a command is not carried out, and the one order in which they answer."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rank(IntEnum):
    """The order in which refusals answer; the first present decides the status."""

    NOT_FOUND = 1
    FORBIDDEN = 2
    CLOSED = 3
    LOCKED = 4
    CONFLICT = 5
    VERSION_MISSING = 6
    STALE = 7
    UNPROCESSABLE = 8


class Refusal(Exception):
    """A business reason why a command is not carried out. Each reason is a subclass with a stable kebab-case `code`.

    `params` are JSON-able: versions, question and review ids, holders; never text, ratings or names.
    `unmet` are all the reasons, this one first; `refuse` sets it.
    """

    code: ClassVar[str]
    rank: ClassVar[Rank]

    def __init__(self, detail: str = "", **params: object) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.params = params
        self.unmet: tuple[Refusal, ...] = (self,)


def refuse(reasons: Iterable[Refusal]) -> None:
    """Raise the first reason in rank order (stable within a rank), carrying all; return when there is none."""
    ordered = tuple(sorted(reasons, key=lambda reason: reason.rank))
    if ordered:
        ordered[0].unmet = ordered
        raise ordered[0]


class NotFound(Refusal):
    """Nothing that this person may know of is here."""

    code = "not-found"
    rank = Rank.NOT_FOUND


class ForbiddenRole(Refusal):
    """The person's role does not admit this."""

    code = "forbidden-role"
    rank = Rank.FORBIDDEN


class SelfDealing(Refusal):
    """The person reports, directly or not, to the reviewee: somebody else must act."""

    code = "self-dealing"
    rank = Rank.FORBIDDEN


class UnknownPerson(Refusal):
    """Our directory lacks the person or the reviewee, so self-dealing cannot be excluded."""

    code = "unknown-person"
    rank = Rank.FORBIDDEN


class ReviewCancelled(Refusal):
    """The review was cancelled."""

    code = "review-cancelled"
    rank = Rank.CLOSED


class CycleClosed(Refusal):
    """The cycle is closed; only unreleasing stays possible."""

    code = "cycle-closed"
    rank = Rank.CLOSED


class LockedReleased(Refusal):
    """The packet is released; unrelease it first."""

    code = "locked-released"
    rank = Rank.LOCKED


class LockedSigned(Refusal):
    """A signature or the completion is held, as far as packets knows. Params: holders."""

    code = "locked-signed"
    rank = Rank.LOCKED


class ManagerAssessmentNotSubmitted(Refusal):
    """The manager-assessment is not submitted, or was reopened."""

    code = "manager-assessment-not-submitted"
    rank = Rank.CONFLICT


class NotCalibrated(Refusal):
    """The review is not calibrated, or has changed since: calibrate it, confirm that, or override the gate."""

    code = "not-calibrated"
    rank = Rank.CONFLICT


class NotReady(Refusal):
    """The submitted content, or what its snapshot is made of, has not been fetched yet."""

    code = "not-ready"
    rank = Rank.CONFLICT


class NotReleased(Refusal):
    """Nothing is released: there is nothing to read and nothing to take back."""

    code = "not-released"
    rank = Rank.CONFLICT


class ReleaseInProgress(Refusal):
    """A release was asked for and is not answered yet."""

    code = "release-in-progress"
    rank = Rank.CONFLICT


class UnreleaseInProgress(Refusal):
    """An unrelease hid the packet; its review is not unlocked yet."""

    code = "unrelease-in-progress"
    rank = Rank.CONFLICT


class SignaturesPresent(Refusal):
    """Signatures or the completion are held; say `revoke_signatures` to revoke them as well. Params: holders."""

    code = "signatures-present"
    rank = Rank.CONFLICT


class ManagerDirect(Refusal):
    """In this cycle the packet is with the manager whenever it is ready; HR neither sends it nor takes it back."""

    code = "manager-direct"
    rank = Rank.CONFLICT


class RatingsMissing(Refusal):
    """Reviews of the session have no rating yet. Params: review_ids."""

    code = "ratings-missing"
    rank = Rank.CONFLICT


class SessionInOtherState(Refusal):
    """The calibration session, or the review in it, is not in the state that this command needs. Params: state."""

    code = "session-in-other-state"
    rank = Rank.CONFLICT


class AlreadyInSession(Refusal):
    """Reviews are in a session already, or were calibrated. Params: review_ids."""

    code = "already-in-session"
    rank = Rank.CONFLICT


class CalibrationNotRequired(Refusal):
    """The cycle of these reviews does without calibration. Params: review_ids."""

    code = "calibration-not-required"
    rank = Rank.CONFLICT


class NothingToConfirm(Refusal):
    """Only a stale calibration is confirmed. Params: review_ids."""

    code = "nothing-to-confirm"
    rank = Rank.CONFLICT


class NothingToOverride(Refusal):
    """The calibration gate is open already."""

    code = "nothing-to-override"
    rank = Rank.CONFLICT


class QuestionnaireNotFetched(Refusal):
    """The cycle's questionnaire has not been fetched yet, so no question can be selected."""

    code = "questionnaire-not-fetched"
    rank = Rank.CONFLICT


class OperationNotPlanned(Refusal):
    """The operation holds no plan that waits to be applied. Params: state."""

    code = "operation-not-planned"
    rank = Rank.CONFLICT


class TooManyPlans(Refusal):
    """You have as many plans as one person may have; apply or cancel one first. Params: plans_max."""

    code = "too-many-plans"
    rank = Rank.CONFLICT


class PlanExpired(Refusal):
    """The plan is too old; make a new one."""

    code = "plan-expired"
    rank = Rank.CONFLICT


class NotCancellable(Refusal):
    """What is taken back was hidden at once: an unrelease that runs goes on to its end."""

    code = "not-cancellable"
    rank = Rank.CONFLICT


class OperationFinished(Refusal):
    """The operation is over."""

    code = "operation-finished"
    rank = Rank.CONFLICT


class NotScheduled(Refusal):
    """No release of this packet is scheduled."""

    code = "not-scheduled"
    rank = Rank.CONFLICT


class AlreadyScheduled(Refusal):
    """A release of this packet is scheduled already; cancel it first."""

    code = "already-scheduled"
    rank = Rank.CONFLICT


class VersionMissing(Refusal):
    """Name the version that this is based on: send the ETag that you were given as If-Match."""

    code = "version-missing"
    rank = Rank.VERSION_MISSING


class PacketChanged(Refusal):
    """The packet is not the one that was previewed. Params: current (the tag)."""

    code = "packet-changed"
    rank = Rank.STALE


class StaleVersion(Refusal):
    """Somebody else was faster. Params: current_version."""

    code = "stale-version"
    rank = Rank.STALE


class NoSharedQuestions(Refusal):
    """HR has selected no question that this packet could show."""

    code = "no-shared-questions"
    rank = Rank.UNPROCESSABLE


class InstantPassed(Refusal):
    """The instant is over; leave it out to release now."""

    code = "instant-passed"
    rank = Rank.UNPROCESSABLE


class OnlyReleasesWait(Refusal):
    """Only a release can wait for an instant; apply this plan without one."""

    code = "only-releases-wait"
    rank = Rank.UNPROCESSABLE


class ReasonMissing(Refusal):
    """The command is recorded with a reason, and none was given."""

    code = "reason-missing"
    rank = Rank.UNPROCESSABLE


class JustificationMissing(Refusal):
    """A rating in a session is recorded with a justification, and none was given."""

    code = "justification-missing"
    rank = Rank.UNPROCESSABLE


class UnknownQuestions(Refusal):
    """Questions that the questionnaire lacks, or that are not the manager's. Params: question_ids."""

    code = "unknown-questions"
    rank = Rank.UNPROCESSABLE


class RatingOffScale(Refusal):
    """The scale on which reviews of this cycle are rated has no such step. Params: lowest, highest."""

    code = "rating-off-scale"
    rank = Rank.UNPROCESSABLE
