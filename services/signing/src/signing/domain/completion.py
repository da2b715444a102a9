"""HR completes a review without all signatures. With all of them it completes by itself: see `settling`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing.domain.attempts import ask
from signing.domain.opening import unmet_not_closed
from signing.domain.people import unmet_hr
from signing.domain.record import Holder, HoldState
from signing.domain.refusals import (
    NotReleased,
    ReasonMissing,
    Refusal,
    RevocationInProgress,
    SignatureLost,
    refuse,
)
from signing.domain.settling import settle

if TYPE_CHECKING:
    from signing.domain.facts import Step
    from signing.domain.people import Relation
    from signing.domain.record import SigningRecord


def unmet_complete(record: SigningRecord, rel: Relation, *, reason_given: bool = True) -> list[Refusal]:
    """Why HR cannot complete the review: nothing when it is accepted, also where it is completed or about to be."""
    reasons = unmet_hr(rel)
    if reasons:
        return reasons
    match record.completion.state:
        case HoldState.PENDING | HoldState.SIGNED:
            return []
        case HoldState.REVOKING:
            reasons = [RevocationInProgress()]
        case HoldState.LOST:
            reasons = [SignatureLost()]
        case HoldState.NONE:
            reasons = []
    if not record.released:
        reasons.append(NotReleased())
    return unmet_not_closed(record) + reasons + ([] if reason_given else [ReasonMissing()])


def complete(record: SigningRecord, rel: Relation, *, reason_given: bool = True) -> Step:
    """The completion is on its way, asked for by HR; unchanged where it was already.

    Raises:
        Refusal: the first of `unmet_complete`.
    """
    refuse(unmet_complete(record, rel, reason_given=reason_given))
    if record.completion.state is not HoldState.NONE:
        return record, ()
    asked, facts = ask(record, Holder.COMPLETION, person_id=rel.actor_id)
    return settle(record, asked, facts)


def would_complete(record: SigningRecord) -> bool:
    """Whether completing would do something, not only say again what is on record."""
    return record.completion.state is HoldState.NONE
