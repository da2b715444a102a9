"""Who and what every explored world has: one review, its people, two texts, two lists of shared questions."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import assessment.domain.people as assessment_people
import packets.domain.people as packets_people
import signing.domain.people as signing_people
from assessment.domain import ids as assessment_ids
from packets.domain import ids as packets_ids
from packets.store.library import Content, Questionnaire
from reviewbus.canonical import digest
from signing.domain import ids as signing_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

REVIEW_ID = "00000000-0000-4000-8000-000000000001"
CYCLE_ID = "00000000-0000-4000-8000-000000000002"
SESSION_ID = "00000000-0000-4000-8000-000000000003"
QUESTIONNAIRE = ("00000000-0000-4000-8000-000000000004", 1)
EMPLOYEE, MANAGER, SUCCESSOR, HR = "employee", "manager", "successor", "hr"
LINE: Mapping[str, str | None] = {EMPLOYEE: MANAGER, MANAGER: None, SUCCESSOR: None, HR: None}
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# A text is named by a letter; the second question is answered alike in both, so that a packet which shows only that
# one has the same snapshot hash whichever text it is of.
GOALS, GROWTH, RATING = "goals", "growth", "rating"
TEXTS: Mapping[str, Mapping[str, Any]] = {
    "A": {GOALS: "reached", GROWTH: "steady", RATING: 3},
    "B": {GOALS: "missed", GROWTH: "steady", RATING: 4},
}
SELECTIONS: Mapping[str, tuple[str, ...]] = {"goals": (GOALS,), "growth": (GROWTH,), "nothing": ()}


@cache
def text_hash(letter: str) -> str:
    """The hash of a text of the manager's, as assessment computes it: over the hashes of the answers."""
    return digest({"questionnaire": list(QUESTIONNAIRE), "answers": [_answer(letter, each) for each in TEXTS[letter]]})


@cache
def self_hash(version: int) -> str:
    """The hash of what the employee wrote as this version."""
    return digest(f"self {version}")


def letter_of(content_hash: str | None) -> str:
    """The text behind a hash. KeyError for what nobody wrote."""
    return _LETTERS[content_hash or ""]


def other(letter: str) -> str:
    """The text that is written instead of this one."""
    return "B" if letter == "A" else "A"


@cache
def content(letter: str) -> Content:
    """A fetched version of this text, as packets keeps it."""
    answers = {each: _answer(letter, each) for each in TEXTS[letter]}
    return Content(content_hash=text_hash(letter), questionnaire=QUESTIONNAIRE, answers=answers)


@cache
def questionnaire() -> Questionnaire:
    """The cycle's questionnaire, as packets keeps it."""
    scale = {"lowest": 1, "highest": 5, "labels": []}
    kinds = {GOALS: "text", GROWTH: "text", RATING: "rating"}
    return Questionnaire(
        title="Review",
        questions=tuple(
            {
                "question_id": each,
                "audience": "manager",
                "kind": kind,
                "text_hash": digest(each),
                "scale": scale if kind == "rating" else None,
            }
            for each, kind in kinds.items()
        ),
    )


@cache
def assessment_relation(person_id: str, manager_id: str | None) -> assessment_people.Relation:
    """What somebody is to the review in assessment, whose manager of record is given."""
    actor = assessment_people.Actor(person_id=assessment_ids.PersonId(person_id), roles=_roles(person_id))
    return assessment_people.relation(
        actor,
        subject_id=assessment_ids.PersonId(EMPLOYEE),
        manager_id=None if manager_id is None else assessment_ids.PersonId(manager_id),
        directory=DIRECTORY,
    )


@cache
def packets_actor(person_id: str) -> packets_people.Actor:
    """Somebody as packets knows them by the token."""
    return packets_people.Actor(person_id=packets_ids.PersonId(person_id), roles=_roles(person_id))


@cache
def packets_line() -> packets_people.Directory:
    """Who reports to whom, as packets knows."""
    return {
        packets_ids.PersonId(person): None if above is None else packets_ids.PersonId(above)
        for person, above in LINE.items()
    }


@cache
def signing_actor(person_id: str) -> signing_people.Actor:
    """Somebody as signing knows them by the token."""
    return signing_people.Actor(person_id=signing_ids.PersonId(person_id), roles=_roles(person_id))


@cache
def signing_line() -> Mapping[signing_ids.PersonId, signing_ids.PersonId | None]:
    """Who reports to whom, as signing knows."""
    return {
        signing_ids.PersonId(person): None if above is None else signing_ids.PersonId(above)
        for person, above in LINE.items()
    }


def _roles(person_id: str) -> frozenset[str]:
    return frozenset({"hr_admin"}) if person_id == HR else frozenset()


def _answer(letter: str, question_id: str) -> dict[str, Any]:
    value = TEXTS[letter][question_id]
    return {"question_id": question_id, "value": value, "answer_hash": digest(value)}


def _person(person_id: str, manager_id: str | None) -> assessment_people.Person:
    return assessment_people.Person(
        person_id=assessment_ids.PersonId(person_id),
        external_id=person_id,
        display_name=person_id,
        email=f"{person_id}@example.test",
        manager_id=None if manager_id is None else assessment_ids.PersonId(manager_id),
        active=True,
        version=1,
    )


DIRECTORY: Mapping[assessment_ids.PersonId, assessment_people.Person] = {
    assessment_ids.PersonId(person): _person(person, above) for person, above in LINE.items()
}
_LETTERS = {text_hash(letter): letter for letter in TEXTS}
