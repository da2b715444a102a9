"""Which questions a cycle's packets show; the packets follow in chunks, by a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packets import events, store
from packets.commands.keeping import REBIND, keep_many
from packets.domain import readiness
from packets.domain import selection as domain
from packets.domain.ids import QuestionId
from packets.domain.refusals import NotFound, refuse
from reviewbus import jobs
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from packets.domain.facts import SharedQuestionsChanged
    from packets.domain.people import Actor
    from packets.domain.selection import Selection
    from reviewbus.db import Tx

CHUNK_ROWS = 500


def change(
    tx: Tx,
    cycle_id: str,
    actor: Actor,
    *,
    expected_version: int | None,
    question_ids: Collection[str],
    shares_rating: bool,
) -> Selection:
    """The cycle's next selection."""
    refuse(domain.unmet_see(actor))
    cycle = store.cycle(tx, cycle_id, lock=True)
    if cycle is None:
        raise NotFound
    library = store.Library(tx)
    questionnaire = library.questionnaire(cycle.questionnaire)
    before = library.selection(cycle_id)
    after, facts = domain.change(
        before,
        actor=actor,
        expected_version=expected_version,
        question_ids=[QuestionId(each) for each in question_ids],
        shares_rating=shares_rating,
        questionnaire=cycle.questionnaire,
        questions=questionnaire.outline if questionnaire else None,
        cycle_closed=cycle.closed,
    )
    _keep(tx, after, facts)
    if facts:
        tx.audit(
            AuditEntry(actor=actor.person_id, role="hr_admin", action="shared-questions.change", object_id=cycle_id)
        )
    return after


def follow(tx: Tx, cycle_id: str) -> None:
    """Where the cycle's newest selection belongs to another questionnaire than the cycle has now, add the next one.

    Only once that questionnaire is fetched, before which no packet can show anything of it. Locks the cycle's row, so
    that nobody chooses meanwhile; whoever fetches a questionnaire locks the cycles that have it before its job.
    """
    cycle = store.cycle(tx, cycle_id, lock=True)
    library = store.Library(tx)
    newest = library.selection(cycle_id)
    if cycle is None or newest.questionnaire in {None, cycle.questionnaire}:
        return
    questionnaire = library.questionnaire(cycle.questionnaire)
    if questionnaire is None:
        return
    chosen = library.chosen(cycle_id)
    known = library.questionnaire(chosen.questionnaire)
    after, facts = domain.follow(
        newest,
        chosen=chosen,
        known=known.outline if known else (),
        questionnaire=cycle.questionnaire,
        questions=questionnaire.outline,
    )
    _keep(tx, after, facts)


def rebind(tx: Tx, cycle_id: str, *, after: str | None) -> str | None:
    """Judge the next chunk of the cycle's packets anew; return where the next one begins, None at the end."""
    ids = store.of_cycle(tx, cycle_id, after=after, limit=CHUNK_ROWS)
    packets = store.load_many(tx, ids)
    if not packets:
        return None
    library = store.Library(tx)
    library.preload(packets.values())
    sources = library.sources_of(cycle_id, packets.values())
    keep_many(tx, [(each, *readiness.recompute(each, sources)) for each in packets.values()])
    return ids[-1] if len(ids) == CHUNK_ROWS else None


def _keep(tx: Tx, selection: Selection, facts: Sequence[SharedQuestionsChanged]) -> None:
    for fact in facts:
        store.keep_selection(tx, selection, chosen_by=fact.by)
        jobs.enqueue(tx, REBIND, selection.cycle_id, {"cycle_id": selection.cycle_id})
        tx.emit(events.selection_event(fact))
