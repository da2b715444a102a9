"""HR revokes: at once it is no signature any more, then its register is freed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from signing.domain.attempts import REVOCABLE, REVOKED, Cause, revoke_register
from signing.domain.people import unmet_hr
from signing.domain.record import Holder, HoldState
from signing.domain.refusals import HrOnly, NothingToRevoke, ReasonMissing, Refusal, refuse
from signing.domain.settling import settle

if TYPE_CHECKING:
    from signing.domain.facts import Fact, Step
    from signing.domain.people import Relation
    from signing.domain.record import SigningRecord

ALL = frozenset(Holder)


def unmet_revoke(
    record: SigningRecord, rel: Relation, *, holders: frozenset[Holder] = ALL, reason_given: bool = True
) -> list[Refusal]:
    """Why HR cannot revoke these: nothing when at least one of them can be, or is on its way already.

    Neither a closed cycle nor a cancelled review prevents it.
    """
    reasons = unmet_hr(rel, for_signers=HrOnly)
    if reasons:
        return reasons
    states = {record.register(holder).state for holder in holders}
    if not states & (REVOCABLE | {HoldState.REVOKING}):
        reasons.append(NothingToRevoke())
    if not reason_given and states & REVOCABLE:
        reasons.append(ReasonMissing())
    return reasons


def revoke(
    record: SigningRecord, rel: Relation, *, holders: frozenset[Holder] = ALL, reason_given: bool = True
) -> Step:
    """Revoke those of `holders` that can be; any of them lifts the completion. Nothing new: the same record.

    A completion that HR lifts by name counts as tried in the known epoch: it does not start again by itself.

    Raises:
        Refusal: the first of `unmet_revoke`.
    """
    refuse(unmet_revoke(record, rel, holders=holders, reason_given=reason_given))
    cause = Cause(reason=REVOKED, by=rel.actor_id)
    after = record
    facts: tuple[Fact, ...] = ()
    for holder in Holder:
        if holder in holders:
            after, more = revoke_register(after, holder, cause)
            facts += more
    if Holder.COMPLETION in holders and record.completion.state in REVOCABLE:
        after = replace(after, tried_epoch=max(after.tried_epoch, after.packet_epoch))
    return settle(record, after, facts)


def would_revoke(record: SigningRecord, holders: frozenset[Holder] = ALL) -> bool:
    """Whether revoking would do something, not only say again what is on record."""
    return any(record.register(holder).state in REVOCABLE for holder in holders)
