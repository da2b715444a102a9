"""Why commands on operations over many reviews are not carried out, beside what holds everywhere."""

from __future__ import annotations

from assessment.domain.refusals import Rank, Refusal


class TooManyPlans(Refusal):
    """You have made so many plans that wait to be applied: apply or cancel one of them. `plans_max`."""

    code = "too-many-plans"
    rank = Rank.CONFLICT


class OperationNotPlanned(Refusal):
    """Only a finished plan can be applied. `state`."""

    code = "operation-not-planned"
    rank = Rank.CONFLICT


class PlanExpired(Refusal):
    """The plan is too old to be applied: make another."""

    code = "plan-expired"
    rank = Rank.CONFLICT


class OperationFinished(Refusal):
    """The operation is over."""

    code = "operation-finished"
    rank = Rank.CONFLICT
