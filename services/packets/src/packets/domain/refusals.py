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

    The first sentence of its docstring is what a person is told: what is so, a colon, and what to do about it.

    `params` are JSON-able: versions, question and review ids, holders; never text, ratings or names.
    `unmet` are all the reasons, this one first; `refuse` sets it.
    """

    code: ClassVar[str]
    rank: ClassVar[Rank]

    def __init__(self, detail: str = "", **params: object) -> None:
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
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


class ReviewCancelled(Refusal):
    """The review was cancelled: leave it out, nothing of it goes on."""

    code = "review-cancelled"
    rank = Rank.CLOSED


class CycleClosed(Refusal):
    """The cycle is closed: nothing but taking back what was released or signed is possible any more."""

    code = "cycle-closed"
    rank = Rank.CLOSED


class LockedReleased(Refusal):
    """The packet is released: it must be taken back first."""

    code = "locked-released"
    rank = Rank.LOCKED


class LockedSigned(Refusal):
    """A signature or the completion is held: HR must revoke them first. Params: holders."""

    code = "locked-signed"
    rank = Rank.LOCKED


class ManagerAssessmentNotSubmitted(Refusal):
    """The manager-assessment is not submitted, or was reopened: its manager must submit it."""

    code = "manager-assessment-not-submitted"
    rank = Rank.CONFLICT


class NotCalibrated(Refusal):
    """The review is not calibrated, or has changed since: calibrate it, confirm that, or override the gate."""

    code = "not-calibrated"
    rank = Rank.CONFLICT


class NotReady(Refusal):
    """The submitted content, or what its snapshot is made of, has not been fetched yet: try again in a moment."""

    code = "not-ready"
    rank = Rank.CONFLICT


class NotReleased(Refusal):
    """The packet is not released: wait until it is."""

    code = "not-released"
    rank = Rank.CONFLICT


class ReleaseInProgress(Refusal):
    """A release was asked for and is not answered yet: wait for its end, or take the packet back."""

    code = "release-in-progress"
    rank = Rank.CONFLICT


class UnreleaseInProgress(Refusal):
    """The packet was taken back and its review is not unlocked yet: try again in a moment."""

    code = "unrelease-in-progress"
    rank = Rank.CONFLICT


class SignaturesPresent(Refusal):
    """Signatures or the completion are held: say `revoke_signatures` to revoke them as well. Params: holders."""

    code = "signatures-present"
    rank = Rank.CONFLICT


class ManagerDirect(Refusal):
    """In this cycle a ready packet is with its manager: HR may release it, but not send it nor take it back."""

    code = "manager-direct"
    rank = Rank.CONFLICT


class RatingsMissing(Refusal):
    """Reviews of the session have no rating yet: rate these first. Params: review_ids."""

    code = "ratings-missing"
    rank = Rank.CONFLICT


class SessionInOtherState(Refusal):
    """The calibration session, or the review in it, is in a state without this: look at its state. Params: state."""

    code = "session-in-other-state"
    rank = Rank.CONFLICT


class AlreadyInSession(Refusal):
    """Reviews are in a session already, or were calibrated: leave these out, or use that session.

    Params: review_ids.
    """

    code = "already-in-session"
    rank = Rank.CONFLICT


class CalibrationNotRequired(Refusal):
    """The cycle of these reviews does without calibration: they need no session. Params: review_ids."""

    code = "calibration-not-required"
    rank = Rank.CONFLICT


class NothingToConfirm(Refusal):
    """Only a stale calibration is confirmed: leave these out. Params: review_ids."""

    code = "nothing-to-confirm"
    rank = Rank.CONFLICT


class NothingToOverride(Refusal):
    """The calibration gate is open already: go on without an override."""

    code = "nothing-to-override"
    rank = Rank.CONFLICT


class QuestionnaireNotFetched(Refusal):
    """The cycle's questionnaire has not been fetched yet: try again in a moment."""

    code = "questionnaire-not-fetched"
    rank = Rank.CONFLICT


class OperationNotPlanned(Refusal):
    """The operation holds no plan that waits to be applied: look at its state, or make a new plan. Params: state."""

    code = "operation-not-planned"
    rank = Rank.CONFLICT


class TooManyPlans(Refusal):
    """You have as many plans as one person may have: apply or cancel one first. Params: plans_max."""

    code = "too-many-plans"
    rank = Rank.CONFLICT


class PlanExpired(Refusal):
    """The plan is too old: make a new one."""

    code = "plan-expired"
    rank = Rank.CONFLICT


class NotCancellable(Refusal):
    """What is taken back was hidden at once: an unrelease that runs goes on to its end; release anew then."""

    code = "not-cancellable"
    rank = Rank.CONFLICT


class OperationFinished(Refusal):
    """The operation is over: there is nothing left to cancel."""

    code = "operation-finished"
    rank = Rank.CONFLICT


class NotScheduled(Refusal):
    """No release of this packet is scheduled: there is nothing to cancel."""

    code = "not-scheduled"
    rank = Rank.CONFLICT


class ScheduledByAnother(Refusal):
    """Somebody else scheduled the release of this packet: ask them, or HR, to cancel it. Params: by."""

    code = "scheduled-by-another"
    rank = Rank.CONFLICT


class AlreadyScheduled(Refusal):
    """A release of this packet is scheduled already: whoever scheduled it, or HR, can cancel it first.

    Params: by, not_before, operation_id.
    """

    code = "already-scheduled"
    rank = Rank.CONFLICT


class VersionMissing(Refusal):
    """The version that this is based on was not named."""

    code = "version-missing"
    rank = Rank.VERSION_MISSING


class PacketChanged(Refusal):
    """The packet is not the one that was seen: look at it again, and name what it is now. Params: current (the tag)."""

    code = "packet-changed"
    rank = Rank.STALE


class StaleVersion(Refusal):
    """The named version is not the current one. Params: current_version."""

    code = "stale-version"
    rank = Rank.STALE


class NoSharedQuestions(Refusal):
    """HR has selected no question that this packet could show: select one, besides the rating and its switch."""

    code = "no-shared-questions"
    rank = Rank.UNPROCESSABLE


class InstantPassed(Refusal):
    """The instant is over: leave it out to release now."""

    code = "instant-passed"
    rank = Rank.UNPROCESSABLE


class NothingSelected(Refusal):
    """No packet of the cycle is like this, so that nothing was begun: widen the filter, or leave out fewer."""

    code = "nothing-selected"
    rank = Rank.UNPROCESSABLE


class OnlyReleasesWait(Refusal):
    """Only a release can wait for an instant: apply this plan without one."""

    code = "only-releases-wait"
    rank = Rank.UNPROCESSABLE


class ReasonMissing(Refusal):
    """No reason was given."""

    code = "reason-missing"
    rank = Rank.UNPROCESSABLE


class JustificationMissing(Refusal):
    """A rating in a session is recorded with a justification, and none was given: send one as `justification`."""

    code = "justification-missing"
    rank = Rank.UNPROCESSABLE


class UnknownQuestions(Refusal):
    """The manager is asked no such question: choose among `questions`; the calibrated rating is switched by `rating`.

    Params: question_ids.
    """

    code = "unknown-questions"
    rank = Rank.UNPROCESSABLE


class UnknownMembers(Refusal):
    """Who calibrates must be in the directory, and not have left: name others, or import these. Params: person_ids."""

    code = "unknown-members"
    rank = Rank.UNPROCESSABLE


class RatingOffScale(Refusal):
    """Reviews of this cycle are rated on a scale without such a step: choose one from lowest to highest.

    Params: lowest, highest.
    """

    code = "rating-off-scale"
    rank = Rank.UNPROCESSABLE
