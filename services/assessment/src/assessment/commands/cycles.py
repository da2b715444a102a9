"""Cycles: making one, changing, starting and closing it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assessment import events
from assessment.commands.standing import audit_role, keep_many
from assessment.domain import cycle as domain
from assessment.domain import cycle_change, cycle_start
from assessment.domain.cycle_refusals import UnknownQuestionnaire
from assessment.domain.ids import CycleId
from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, unmet_role
from assessment.domain.refusals import NotFound, refuse
from assessment.store import cycles, people, questionnaires, reviews, standings
from reviewbus import richtext
from reviewbus.db import AuditEntry
from reviewbus.jobs import enqueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assessment.domain.closing import Standings
    from assessment.store.cycles import StoredCycle
    from reviewbus.db import Tx

OPEN_REVIEWS = "open-reviews"
CLOSE_REVIEWS = "close-reviews"


def create(tx: Tx, actor: Actor, wanted: domain.Cycle, *, name: str, instructions: str | None) -> StoredCycle:
    """Make a cycle; raises `Refusal`."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    settings = wanted.settings
    asked = questionnaires.read(tx, settings.questionnaire_id) if settings.questionnaire_id else None
    if asked is None:
        refuse([UnknownQuestionnaire()])
    assert asked is not None  # refused above
    named = replace(wanted, settings=replace(settings, questionnaire_version=asked.asked.version))
    new, told = domain.create(named, actor=actor)
    saved = cycles.add(tx, new, **_texts(name, instructions), facts=len(told))
    _conclude(tx, actor, saved, told, action="cycle.create")
    return saved


def change(
    tx: Tx,
    actor: Actor,
    stored: StoredCycle,
    wanted: domain.Cycle,
    *,
    name: str,
    instructions: str | None,
    expected: int | None,
) -> StoredCycle:
    """Change a cycle that was loaded to what is wanted; what is so already is no change. Raises `Refusal`."""
    questionnaire_id = wanted.settings.questionnaire_id
    asked = questionnaires.read(tx, questionnaire_id) if questionnaire_id else None
    changed, told = cycle_change.change(
        stored.cycle,
        wanted,
        actor=actor,
        newest=None if asked is None else asked.asked.version,
        row_version=stored.row_version,
        expected=expected,
    )
    written = replace(stored, cycle=changed, **_texts(name, instructions))
    if written == stored:
        return stored
    saved = cycles.save(tx, written, changed, facts=len(told))
    if (changed.settings, changed.manager_until) != (stored.cycle.settings, stored.cycle.manager_until):
        cycles.hand_down(tx, changed)
    _conclude(tx, actor, saved, told, action="cycle.change")
    return saved


def start(tx: Tx, actor: Actor, cycle_id: str, *, chunk_rows: int) -> StoredCycle:
    """Start a cycle and open its first reviews; a job opens the others. Raises `Refusal`."""
    stored = load(tx, actor, cycle_id)
    questionnaire_id = stored.cycle.settings.questionnaire_id
    asked = questionnaires.load_for_start(tx, questionnaire_id) if questionnaire_id else None
    participants = tuple(one for _, one in reviews.participants(tx, cycle_id))
    everyone = {person for one in participants for person in (one.subject_id, one.manager_id)}
    started, told = cycle_start.start(
        stored.cycle,
        actor=actor,
        questionnaire=None if asked is None else asked.asked,
        participants=participants,
        directory=people.with_lines(tx, everyone),
        now=tx.now,
    )
    saved = cycles.save(tx, stored, started, facts=len(told))
    _conclude(tx, actor, saved, told, action="cycle.start")
    if open_chunk(tx, cycle_id, chunk_rows) == chunk_rows:
        enqueue(tx, OPEN_REVIEWS, cycle_id, {"cycle_id": cycle_id})
    return saved


def plan_close(tx: Tx, actor: Actor, cycle_id: str) -> tuple[StoredCycle, Standings]:
    """Say how far the reviews of a cycle are, which stays open; raises `Refusal` where `close` would."""
    stored = load(tx, actor, cycle_id)
    domain.close(stored.cycle, actor=actor)
    return stored, standings.count(tx, cycle_id, besides=actor.person_id)


def close(tx: Tx, actor: Actor, cycle_id: str, *, reason: str | None, chunk_rows: int) -> tuple[StoredCycle, Standings]:
    """Close a cycle and flag its first reviews; a job flags the others. Raises `Refusal`.

    Beside the cycle stands how far the reviews were, without the actor's own.
    """
    stored = load(tx, actor, cycle_id)
    closed, told = domain.close(stored.cycle, actor=actor)
    counted = standings.count(tx, cycle_id, besides=actor.person_id)
    saved = cycles.save(tx, stored, closed, facts=len(told))
    _conclude(tx, actor, saved, told, action="cycle.close", reason=reason)
    if close_chunk(tx, cycle_id, chunk_rows) == chunk_rows:
        enqueue(tx, CLOSE_REVIEWS, cycle_id, {"cycle_id": cycle_id})
    return saved, counted


def open_chunk(tx: Tx, cycle_id: str, rows: int) -> int:
    """Open the next reviews of a started cycle; return how many. A closed cycle opens no more."""
    stored = cycles.load(tx, cycle_id)
    if stored is None or stored.cycle.state is not domain.CycleState.STARTED:
        return 0
    found = reviews.load_chunk(tx, cycle_id, started=False, rows=rows)
    return keep_many(tx, [(one, *cycle_start.open_review(one.review, stored.cycle)) for one in found])


def close_chunk(tx: Tx, cycle_id: str, rows: int) -> int:
    """Flag the next reviews of a closed cycle that were opened; the others never are."""
    stored = cycles.load(tx, cycle_id)
    if stored is None or stored.cycle.state is not domain.CycleState.CLOSED:
        return 0
    found = reviews.load_chunk(tx, cycle_id, started=True, rows=rows, cycle_closed=False)
    return keep_many(tx, [(one, *domain.close_review(one.review)) for one in found])


def load(tx: Tx, actor: Actor, cycle_id: str) -> StoredCycle:
    """Lock a cycle; to whom cycles are not open it does not exist either way. Raises `Refusal`."""
    refuse(unmet_role(actor, HR_ADMIN, HR_ASSISTANT))
    stored = cycles.load(tx, cycle_id)
    if stored is None:
        refuse([NotFound()])
    assert stored is not None  # refused above
    return stored


def _texts(name: str, instructions: str | None) -> dict[str, Any]:
    clean = None if instructions is None else richtext.sanitise(instructions)
    return {"name": richtext.single_line(name), "instructions": clean}


def _conclude(
    tx: Tx, actor: Actor, saved: StoredCycle, told: Sequence[Any], *, action: str, reason: str | None = None
) -> None:
    for event in events.of_cycle(told, saved.cycle, version=saved.row_version, last_sequence=saved.event_sequence):
        tx.emit(event)
    _note(tx, actor, action, saved.cycle.cycle_id, reason)


def _note(tx: Tx, actor: Actor, action: str, cycle_id: str, reason: str | None = None) -> None:
    role = audit_role(actor)
    tx.audit(AuditEntry(actor=actor.person_id, role=role, action=action, object_id=cycle_id, reason=reason))


def new_cycle_id(tx: Tx) -> CycleId:
    """Return the id of a cycle to be made."""
    return CycleId(str(tx.new_id()))
