"""Who takes part in a cycle: added one by all, or row by row, and taken out again until the cycle starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assessment.commands.cycles import load
from assessment.commands.standing import audit_role
from assessment.domain import cycle as domain
from assessment.domain import participation
from assessment.domain.ids import PersonId, ReviewId
from assessment.store import people, reviews
from reviewbus.db import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from assessment.domain.cycle import Cycle, Participant
    from assessment.domain.participation import Leaving, Taken
    from assessment.domain.people import Actor, Person
    from reviewbus.db import Tx

Present = dict[PersonId, tuple[ReviewId, PersonId | None]]


def add(tx: Tx, actor: Actor, cycle_id: str, rows: Sequence[Participant]) -> tuple[int, Mapping[str, str]]:
    """Add all of them or give them another manager; return how many changed, and each one's review. Raises `Refusal`.

    Nobody is added when one of them cannot be.
    """
    cycle = load(tx, actor, cycle_id).cycle
    present = _present(tx, cycle_id)
    wanted = domain.add_participants(
        cycle, tuple(rows), actor=actor, present=_managers(present), directory=_directory(tx, actor, rows)
    )
    new = _write(tx, cycle, present, wanted)
    _note(tx, actor, "cycle.participants", cycle_id)
    ids = new | {subject_id: review_id for subject_id, (review_id, _) in present.items()}
    return len(wanted), {row.subject_id: ids[row.subject_id] for row in rows}


def take(tx: Tx, actor: Actor, cycle_id: str, rows: Sequence[Participant], *, dry_run: bool) -> Taken:
    """Take the rows that fit, or only say which would be; raises `Refusal`."""
    cycle = load(tx, actor, cycle_id).cycle
    present = _present(tx, cycle_id)
    taken = participation.take(
        cycle, tuple(rows), actor=actor, present=_managers(present), directory=_directory(tx, actor, rows)
    )
    if not dry_run:
        _write(tx, cycle, present, taken.wanted)
        if taken.wanted:
            _note(tx, actor, "cycle.participants", cycle_id)
    return taken


def remove(tx: Tx, actor: Actor, cycle_id: str, subject_ids: Sequence[str], *, dry_run: bool) -> Leaving:
    """Take people out of a cycle that is not started, or only say who would be; raises `Refusal`."""
    cycle = load(tx, actor, cycle_id).cycle
    named = tuple(PersonId(one) for one in subject_ids)
    present = _present(tx, cycle_id)
    # Locked before it is asked what was written: a text comes to a review only under the same lock.
    at = {
        one.review.review_id: one.review.subject_id
        for one in reviews.load_many(tx, [present[one][0] for one in set(named) & present.keys()])
    }
    leaving = participation.leave(
        cycle,
        named,
        actor=actor,
        present=_managers(present),
        written={at[ReviewId(one)] for one in reviews.with_texts(tx, list(at))},
        directory=people.with_lines(tx, [actor.person_id]),
    )
    if not dry_run:
        gone = [present[one][0] for one in leaving.subject_ids]
        reviews.remove_many(tx, gone)
        # What is gone is named: nothing else tells of it any more.
        for review_id in gone:
            _note(tx, actor, "cycle.participants.remove", review_id)
    return leaving


def participant(subject_id: str, manager_id: str | None) -> Participant:
    """Return one row of a list of participants."""
    return domain.Participant(
        subject_id=PersonId(subject_id), manager_id=None if manager_id is None else PersonId(manager_id)
    )


def _present(tx: Tx, cycle_id: str) -> Present:
    return {one.subject_id: (review_id, one.manager_id) for review_id, one in reviews.participants(tx, cycle_id)}


def _managers(present: Present) -> dict[PersonId, PersonId | None]:
    return {subject_id: manager_id for subject_id, (_, manager_id) in present.items()}


def _directory(tx: Tx, actor: Actor, rows: Collection[Participant]) -> dict[PersonId, Person]:
    """Everybody who is named, the actor, and everybody above them; also the managers that the directory names."""
    return people.with_lines(
        tx, {row.subject_id for row in rows} | {row.manager_id for row in rows if row.manager_id} | {actor.person_id}
    )


def _write(tx: Tx, cycle: Cycle, present: Present, wanted: Sequence[Participant]) -> dict[PersonId, ReviewId]:
    """Add those who are new, and give the others their manager; return the reviews of the new ones."""
    new = [
        domain.participant_review(ReviewId(str(tx.new_id())), cycle, one)
        for one in wanted
        if one.subject_id not in present
    ]
    chosen = {present[one.subject_id][0]: one.manager_id for one in wanted if one.subject_id in present}
    moved = [
        (one, replace(one.review, manager_id=chosen[one.review.review_id]), 0)
        for one in reviews.load_many(tx, list(chosen))
    ]
    assert cycle.manager_until is not None  # every cycle is made with both
    reviews.add_many(tx, [(one, cycle.manager_until.year) for one in new])
    reviews.save_many(tx, moved)
    return {one.subject_id: one.review_id for one in new}


def _note(tx: Tx, actor: Actor, action: str, object_id: str) -> None:
    tx.audit(AuditEntry(actor=actor.person_id, role=audit_role(actor), action=action, object_id=object_id))
