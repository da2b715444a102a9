"""Questions shared before the questionnaire of their cycle is another: they follow it, once it is here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa

from component.packets.packets_office import (
    ANSWERS,
    CANARY,
    CYCLE,
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    OVERALL,
    OWN,
    QUESTIONNAIRE,
    QUESTIONS,
    REASON,
    REVIEW,
    Office,
)
from component.packets.published_office import Published, publishing
from harness.eventually import eventually
from packets.commands import learning
from packets.commands import selection as commands
from packets.domain.ids import PersonId
from packets.domain.people import HR_ADMIN, Actor
from packets.store import comparison
from reviewbus.db import libpq_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stack import ServiceDatabase

PATH = f"/v1/shared-questions/{CYCLE}"
# What was asked before: the last one is not asked any more, and the rating was a text.
BEFORE = ("0198c0de-3000-7c30-8d4f-000000000002", 1)
GONE = "q-gone"
ASKED_BEFORE: list[dict[str, Any]] = [
    *(each for each in QUESTIONS if each["question_id"] != OVERALL),
    {"question_id": OVERALL, "text": "Overall, in words", "audience": "manager", "kind": "text"},
    {"question_id": GONE, "text": "What else?", "audience": "manager", "kind": "text"},
]


def cycle(kind: str, version: int, questionnaire: tuple[str, int]) -> tuple[str, dict[str, Any]]:
    named = {"questionnaire_id": questionnaire[0], "questionnaire_version": questionnaire[1]}
    return f"cycle.{kind}.v1", {"cycle_id": CYCLE, "version": version, **named}


def prepared(office: Office, *question_ids: str) -> None:
    """A cycle that is not started, with questions of its first questionnaire shared; the next one is not fetched."""
    office.people()
    office.assessment.ask(BEFORE, "Before", ASKED_BEFORE)
    office.assessment.ask(QUESTIONNAIRE, f"Annual review {CANARY}", QUESTIONS)
    office.tell(*cycle("created", 1, BEFORE))
    office.work()
    office.share(*question_ids)


def shared(office: Office) -> dict[str, Any]:
    found = office.get(HR, PATH).json
    return {name: found[name] for name in ("version", "question_ids", "left_out", "questionnaire_id")}


def followed(version: int, *question_ids: str, left_out: tuple[str, ...] = (OVERALL, GONE)) -> dict[str, Any]:
    return {
        "version": version,
        "question_ids": list(question_ids),
        "left_out": list(left_out),
        "questionnaire_id": QUESTIONNAIRE[0],
    }


def test_what_is_not_asked_any_more_or_otherwise_falls_out_once_the_questionnaire_is_fetched(office: Office) -> None:
    prepared(office, GOALS, GROWTH, OVERALL, GONE)
    before, since = shared(office), office.mark()
    audit = office.rows("select * from audit")
    office.tell(*cycle("changed", 2, QUESTIONNAIRE))
    assert shared(office) == before
    office.work()
    assert shared(office) == followed(2, GOALS, GROWTH)
    ((kind, body),) = office.events(since=since)
    assert kind == "shared-questions.changed.v1"
    told = {"selection_version": 2, "question_count": 2, "by": None, "by_role": "system"}
    assert {name: body[name] for name in told} == told
    office.service.catalogue.accepts(kind, body)
    assert office.rows("select * from audit") == audit
    assert office.work() == 0


@pytest.mark.parametrize("kind", ["changed", "started", "closed"])
def test_it_follows_at_once_where_the_questionnaire_is_here_whichever_fact_tells_it(office: Office, kind: str) -> None:
    prepared(office, GOALS, GONE)
    with office.service.db.begin() as tx:
        learning.want_questionnaire(tx, QUESTIONNAIRE)
    office.work()
    office.tell(*cycle(kind, 2, QUESTIONNAIRE))
    assert shared(office) == followed(2, GOALS, left_out=(GONE,))
    # Late and repeated ones change nothing.
    office.tell(*cycle("created", 1, BEFORE))
    office.tell(*cycle(kind, 2, QUESTIONNAIRE))
    assert shared(office) == followed(2, GOALS, left_out=(GONE,))


def test_it_follows_a_review_that_began_before_its_cycle_was_told_of(office: Office) -> None:
    prepared(office, GOALS, GROWTH, OVERALL, GONE)
    office.opened(calibrated=True)
    office.submitted()
    office.work()
    assert shared(office) == followed(2, GOALS, GROWTH)
    for late in (cycle("changed", 2, BEFORE), cycle("started", 3, QUESTIONNAIRE)):
        office.tell(*late)
        office.work()
    assert shared(office) == followed(2, GOALS, GROWTH)
    office.calibrated()
    assert (office.state(), office.row()["selection_version"]) == ("ready", 2)
    office.released()
    read = office.get(EMPLOYEE, f"/v1/packets/{REVIEW}").json
    assert [each["question_id"] for each in read["questions"]] == [GOALS, GROWTH]


def test_a_questionnaire_that_comes_back_brings_back_what_was_chosen_from_it(office: Office) -> None:
    prepared(office, GOALS, GONE)
    office.tell(*cycle("changed", 2, QUESTIONNAIRE))
    office.work()
    office.tell(*cycle("changed", 3, BEFORE))
    back = followed(3, GOALS, GONE, left_out=()) | {"questionnaire_id": BEFORE[0]}
    assert shared(office) == back
    assert office.work() > 0
    assert shared(office) == back


def test_where_nothing_is_left_hr_is_told_and_chooses_anew(office: Office) -> None:
    prepared(office, OVERALL, GONE)
    office.tell(*cycle("changed", 2, QUESTIONNAIRE))
    office.opened()
    office.work()
    office.submitted()
    office.work()
    assert shared(office) == followed(2)
    refused = office.post(HR, f"/v1/packets/{REVIEW}/release", {"reason": REASON}, version="none")
    assert (refused.status_code, {each["code"] for each in refused.json["unmet"]}) == (422, {"no-shared-questions"})
    stale = office.put(HR, PATH, {"question_ids": [GOALS], "rating": True}, version=1)
    assert stale.status_code == 412
    office.share(GOALS)
    assert (office.state(), shared(office)) == ("ready", followed(3, GOALS, left_out=()))


def test_nothing_follows_where_nobody_chose(office: Office) -> None:
    prepared(office)
    office.tell(*cycle("changed", 2, QUESTIONNAIRE))
    office.work()
    assert shared(office) | {"questionnaire_id": None} == {**followed(0, left_out=()), "questionnaire_id": None}
    assert office.rows("select * from selections") == []


def test_a_rating_is_not_shown_even_where_the_selection_takes_it_for_a_text(office: Office) -> None:
    office.ready(calibrated=True)
    hashes = office.row()["snapshot_hash"]
    office.do("update selections set question_ids = question_ids || %s::jsonb", f'["{OVERALL}"]')
    office.submitted(answers={**ANSWERS, GROWTH: "o-stay"}, kind="revised")
    office.work()
    assert office.post(HR, f"/v1/calibrations/{_session(office)}/confirm", {"review_ids": [REVIEW]}).status_code == 200
    office.work()
    assert office.row()["snapshot_hash"] != hashes
    office.released()
    read = office.get(EMPLOYEE, f"/v1/packets/{REVIEW}").json
    assert [each["question_id"] for each in read["questions"]] == [GOALS, GROWTH]
    assert read["rating"]["value"] == 4


def _session(office: Office) -> str:
    return str(office.rows("select id::text from calibration_sessions")[0]["id"])


def _waits(office: Office) -> bool:
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return office.rows(waiting) != []


def test_a_choice_at_the_same_time_is_refused_as_of_a_version_that_is_gone(office: Office) -> None:
    prepared(office, GOALS, GONE)
    with office.service.db.begin() as tx:
        learning.want_questionnaire(tx, QUESTIONNAIRE)
    office.work()
    body = {"question_ids": [GOALS, GONE], "rating": False}
    with ThreadPoolExecutor(1) as pool:
        with office.service.db.begin() as tx:
            learning.learn_cycle(tx, CYCLE, QUESTIONNAIRE, version=2, frozen=False, closed=False)
            tx.flush()
            putting = pool.submit(lambda: office.put(HR, PATH, body, version=1))
            eventually(lambda: _waits(office))
        answer = putting.result()
    assert (answer.status_code, answer.json["current_version"]) == (412, 2)
    assert shared(office) == followed(2, GOALS, left_out=(GONE,))


def test_what_is_chosen_a_moment_before_follows_as_well(office: Office) -> None:
    prepared(office, GOALS)
    with office.service.db.begin() as tx:
        learning.want_questionnaire(tx, QUESTIONNAIRE)
    office.work()
    hr = Actor(person_id=PersonId(HR), roles=frozenset({HR_ADMIN}))
    with ThreadPoolExecutor(1) as pool:
        with office.service.db.begin() as tx:
            commands.change(tx, CYCLE, hr, expected_version=1, question_ids=[GROWTH, GONE, OVERALL], shares_rating=True)
            tx.flush()
            telling = pool.submit(lambda: office.tell(*cycle("changed", 2, QUESTIONNAIRE)))
            eventually(lambda: _waits(office))
        telling.result()
    assert shared(office) == followed(3, GROWTH)


@pytest.fixture
def published(packets_database: ServiceDatabase, tmp_path: Path) -> Iterator[Published]:
    """Give an office whose facts stand in the topics."""
    with publishing(packets_database, tmp_path) as one:
        yield one


def test_what_is_built_anew_shows_the_same(published: Published) -> None:
    prepared(published, GOALS, GROWTH, OVERALL, GONE)
    published.tell(*cycle("changed", 2, QUESTIONNAIRE))
    published.work()
    published.opened(calibrated=True)
    published.submitted()
    published.work()
    published.calibrated()
    published.released()
    chosen = published.rows("select * from selections order by version")
    assert len(chosen) == 2
    same, output = published.rebuild()
    assert same, output
    assert published.rows("select * from selections order by version") == chosen


def test_what_followed_where_it_is_built_anew_gives_way_to_what_is_decided_here(
    own_packets_database: ServiceDatabase,
) -> None:
    words = (GOALS, GROWTH)
    row = "insert into {} values ('{}', {}, '{}', 1, '[\"{}\"]', '[]', true, null, now())"
    with psycopg.connect(libpq_url(own_packets_database.migrations_url), autocommit=True) as connection:
        connection.execute("create schema packets_rebuild")
        connection.execute("create table packets_rebuild.selections (like public.selections including all)")
        for version, word in enumerate(words, start=1):
            connection.execute(row.format("public.selections", CYCLE, version, QUESTIONNAIRE[0], word))
        connection.execute(row.format("packets_rebuild.selections", CYCLE, 2, BEFORE[0], GONE))
    engine = sa.create_engine(own_packets_database.migrations_url)
    with engine.begin() as connection:
        comparison.copy_selections(connection, served="public", rebuilt="packets_rebuild")
        copied = connection.execute(sa.text("select question_ids from packets_rebuild.selections order by version"))
        assert list(copied.scalars()) == [[word] for word in words]
    engine.dispose()


def test_the_employees_own_question_is_never_among_what_follows(office: Office) -> None:
    prepared(office, GOALS)
    turned = [{**each, "audience": "self"} if each["question_id"] == GOALS else each for each in QUESTIONS]
    office.assessment.ask(QUESTIONNAIRE, "Now", turned)
    office.tell(*cycle("changed", 2, QUESTIONNAIRE))
    office.work()
    assert {OWN, GOALS}.isdisjoint(shared(office)["question_ids"])
    assert shared(office) == followed(2, left_out=(GOALS,))
