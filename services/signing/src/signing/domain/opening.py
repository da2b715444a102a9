"""Why signing is not open: the conditions one by one, as refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing.domain.record import HOLDER_OF, HoldState, Role, self_side_done
from signing.domain.refusals import (
    Cancelled,
    Completed,
    CycleClosed,
    NotReleased,
    Refusal,
    RevocationInProgress,
    SelfAssessmentNotShared,
    SignatureLost,
)

if TYPE_CHECKING:
    from signing.domain.record import SigningRecord


def unmet_not_closed(record: SigningRecord) -> list[Refusal]:
    """The review is neither cancelled nor in a closed cycle."""
    reasons: list[Refusal] = []
    if record.cancelled:
        reasons.append(Cancelled())
    if record.closed:
        reasons.append(CycleClosed())
    return reasons


def unmet_to_sign_anew(record: SigningRecord, role: Role) -> list[Refusal]:
    """Why a signer who has not signed may not sign: nothing while signing is open.

    The employee, before the release, is told of nothing else.
    """
    closed = unmet_not_closed(record)
    if not record.released:
        hidden = role is Role.EMPLOYEE
        return [*closed, NotReleased(), *([] if hidden else _unmet_besides_release(record, role))]
    return [*closed, *_unmet_besides_release(record, role)]


def _unmet_besides_release(record: SigningRecord, role: Role) -> list[Refusal]:
    reasons: list[Refusal] = []
    if not self_side_done(record):
        reasons.append(SelfAssessmentNotShared())
    own, completion = record.register(HOLDER_OF[role]).state, record.completion.state
    if HoldState.LOST in {own, completion}:
        reasons.append(SignatureLost())
    if HoldState.REVOKING in {own, completion}:
        reasons.append(RevocationInProgress())
    if completion in {HoldState.PENDING, HoldState.SIGNED}:
        reasons.append(Completed())
    return reasons
