"""What packets has learnt, built anew from the topics and from assessment beside what is served, and compared."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from component.packets import packets_office
from component.packets.packets_office import (
    EMPLOYEE,
    GOALS,
    NOWHERE,
    OTHER,
    OUTSIDER,
    REVIEW,
    Office,
)
from component.packets.published_office import THIRD, Published, publishing, story
from packets.work.rebuild import LOOKS_AT_REST, Rebuild
from packets.work.scratch import SCHEMA
from reviewbus import quarantine, runner, verbs
from reviewbus.broker import BrokerDown, Outgoing
from reviewbus.client import PeerRefused, PeerUnavailable
from reviewbus.db import libpq_url
from reviewbus.service import Unable
from reviewbus.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.stack import ServiceDatabase
    from reviewbus.broker import Place, Record


@pytest.fixture
def told(packets_database: ServiceDatabase, tmp_path: Path) -> Iterator[Published]:
    """Three reviews: one released and signed, one revised, reassigned and calibrated, one cancelled."""
    with publishing(packets_database, tmp_path) as one:
        story(one)
        yield one


def line(output: str, table: str) -> list[int]:
    """Return the numbers of one line of the table: compared, differing, missing, extra."""
    (found,) = (each for each in output.splitlines() if each.split()[:1] == [table] and each.split()[1].isdigit())
    return [int(each) for each in found.split()[1:]]


def test_what_is_built_anew_is_the_same_and_nothing_of_it_is_left(told: Published) -> None:
    before = told.contents() | {"inbox": told.rows("select * from inbox order by event_id")}
    same, output = told.rebuild()
    assert same, output
    assert {table: line(output, table) for table in ("packets", "cycles", "questionnaires", "contents")} == {
        "packets": [3, 0, 0, 0],
        "cycles": [1, 0, 0, 0],
        "questionnaires": [1, 0, 0, 0],
        "contents": [3, 0, 0, 0],
    }
    assert line(output, "directory") == [len(packets_office.LINES), 0, 0, 0]
    assert line(output, "snapshots")[0] > 1
    assert "pages: no topic" not in output
    assert told.schemas() == []
    assert told.contents() | {"inbox": told.rows("select * from inbox order by event_id")} == before


TAMPERED = {
    "manager": ("update packets set manager_id = 'p-olga' where review_id = %s", "packets", "manager_id"),
    "subject": ("update packets set subject_id = 'p-olga' where review_id = %s", "packets", "subject_id"),
    "mode": ("update packets set release_mode = 'manager_direct' where review_id = %s", "packets", "release_mode"),
    "recall": ("update packets set recall_window_minutes = 5 where review_id = %s", "packets", "recall_window_minutes"),
    "version": ("update packets set manager_version = 7 where review_id = %s", "packets", "manager_version"),
    "closed": ("update packets set closed = true where review_id = %s", "packets", "closed"),
    "holds": ("update packets set holds = '[]' where review_id = %s", "packets", "holds"),
    "fetched": ("update packets set fetched_hash = 'other' where review_id = %s", "packets", "fetched_hash"),
    "ahead": ("update packets set assessment_version = 99 where review_id = %s", "packets", "assessment_version"),
    "calibration": ("update packets set calibration = 'pending' where review_id = %s", "packets", "calibration"),
    "shown": ("update packets set snapshot_hash = 'other' where review_id = %s", "packets", "snapshot_hash"),
    "was shown": ("update snapshots set hash = 'other' where review_id = %s", "snapshots", "snapshot_hash"),
    "rating shown": ("update snapshots set selection_version = 9 where review_id = %s", "snapshots", "snapshot_hash"),
    "answer": (
        "update contents set answers = jsonb_set(answers, '{0,value}', '\"<p>Else</p>\"') where review_id = %s",
        "contents",
        "answers",
    ),
    "hash": ("update contents set content_hash = 'other' where review_id = %s", "contents", "content_hash"),
    "title": ("update questionnaires set title = 'Else' where %s::text is not null", "questionnaires", "title"),
    "cycle": ("update cycles set closed = true where %s::text is not null", "cycles", "closed"),
    "line": (
        "update directory set manager_id = null where person_id = 'p-anna' and %s::text is not null",
        "directory",
        "manager_id",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_one_row_that_was_tampered_with_is_named_by_its_column(told: Published, name: str) -> None:
    statement, table, column = TAMPERED[name]
    told.do(statement, REVIEW)
    same, output = told.rebuild()
    assert not same
    assert line(output, table)[1:] == [1, 0, 0], output
    (named,) = (each for each in output.splitlines() if each.startswith(f"{table} ") and ": differing in " in each)
    assert column in named.partition(": differing in ")[2].split(", ")
    assert output.endswith("1 rows differ\n")
    assert told.schemas() == []


@pytest.mark.parametrize(
    ("table", "statement", "key"),
    [
        ("packets", "delete from packets where review_id = %s", THIRD),
        ("contents", "delete from contents where review_id = %s and version = 2", OTHER),
        ("directory", "delete from directory where person_id = %s", EMPLOYEE),
        ("questionnaires", "delete from questionnaires where id = %s", packets_office.QUESTIONNAIRE[0]),
    ],
    ids=("packets", "contents", "directory", "questionnaires"),
)
def test_a_row_that_is_missing_is_told(told: Published, table: str, statement: str, key: str) -> None:
    told.do(statement, key)
    same, output = told.rebuild()
    assert not same
    assert line(output, table)[1:] == [0, 1, 0], output
    assert any(each.startswith(f"{table} ") and each.endswith(": missing") for each in output.splitlines())


def test_a_row_that_nobody_told_of_is_extra(told: Published) -> None:
    names = ", ".join(column for column in told.row() if column != "review_id")
    copied = f"insert into packets (review_id, {names}) select %s, {names} from packets where review_id = %s"  # noqa: S608
    told.do(copied, NOWHERE, THIRD)
    told.do("insert into directory (person_id, active, version) values ('p-nobody', true, 1)")
    told.do(
        "insert into contents select review_id, 9, content_hash, questionnaire_id, questionnaire_version, answers,"
        " fetched_at from contents where review_id = %s",
        REVIEW,
    )
    same, output = told.rebuild()
    assert not same
    assert [line(output, table)[1:] for table in ("packets", "directory", "contents")] == [[0, 0, 1]] * 3
    assert f"packets {NOWHERE}: extra" in output.splitlines()


def test_a_row_that_was_left_behind_is_no_difference_once_it_has_caught_up(told: Published) -> None:
    told.assessment.rows[REVIEW]["closed"] = True
    data = told.about(REVIEW)
    told.publish("review.closed.v1", data)
    same, _ = told.rebuild()
    assert not same
    rests: list[int] = []

    def read_on() -> None:
        rests.append(len(rests))
        if len(rests) == 2:
            Office.tell(told, "review.closed.v1", data)

    same, output = told.rebuild(rest=read_on)
    assert same, output
    assert len(rests) == 2


@dataclass(slots=True)
class Busy(MemoryBroker):
    """Something happens after the topics were read for the first time."""

    then: Callable[[], None] | None = None

    def history(
        self, topics: Sequence[str], limit: int, start: Mapping[Place, int]
    ) -> Generator[list[Record], None, None]:
        yield from MemoryBroker.history(self, topics, limit, start)
        if self.then is not None:
            then, self.then = self.then, None
            then()


def test_what_is_learnt_while_it_runs_is_no_difference(told: Published) -> None:
    def revise() -> None:
        told.broker = busy
        told.submitted(OTHER, answers={GOALS: "<p>Later</p>"}, kind="revised")
        told.opened(NOWHERE, subject_id=EMPLOYEE)
        told.tell("person.changed.v1", {"person_id": EMPLOYEE, "manager_id": OUTSIDER, "active": True, "version": 9})
        told.work()

    busy = Busy(logs=told.broker.logs, partitions=told.broker.partitions, then=revise)
    rests: list[None] = []
    same, output = told.rebuild(broker=busy, rest=lambda: rests.append(None))
    assert same, output
    assert len(rests) == 1
    assert line(output, "packets")[0] == 4


def test_a_row_that_stays_different_is_looked_at_until_it_is_at_rest(told: Published) -> None:
    told.do("update packets set closed = true where review_id = %s", REVIEW)
    rests: list[None] = []

    def learn() -> None:
        rests.append(None)
        # What is learnt from now on stands in no topic yet.
        Office.tell(told, "review.closed.v1", told.about(THIRD))

    same, output = told.rebuild(rest=learn)
    assert not same
    assert len(rests) == LOOKS_AT_REST
    assert f"packets {REVIEW}: differing in closed" in output.splitlines()
    assert output.endswith("1 rows differ\n")


def test_a_version_that_was_overtaken_and_is_shown_nowhere_is_not_missed(told: Published) -> None:
    told.do("delete from contents where review_id = %s and version = 1", OTHER)
    same, output = told.rebuild()
    assert same, output
    told.do("delete from contents where review_id = %s", REVIEW)
    same, output = told.rebuild()
    assert line(output, "contents")[1:] == [0, 1, 0], output


def test_a_cycle_without_reviews_of_which_no_fact_is_left_cannot_be_compared(told: Published) -> None:
    told.do(
        "insert into cycles select %s, 4, questionnaire_id, questionnaire_version, true, false from cycles", NOWHERE
    )
    same, output = told.rebuild()
    assert same, output
    told.do("update packets set cycle_id = %s where review_id = %s", NOWHERE, THIRD)
    same, output = told.rebuild()
    assert not same
    assert line(output, "cycles")[1:] == [0, 0, 1], output


def test_what_the_topics_have_forgotten_is_compared_with_what_assessment_says(told: Published) -> None:
    told.assessment.everybody = told.rows("select * from directory order by person_id")
    told.broker.logs.clear()
    same, output = told.rebuild()
    assert same, output
    assert "3 packets were compared with assessment's pages" in output
    told.do("update packets set manager_id = 'p-anna' where review_id = %s", OTHER)
    told.do("update directory set active = false where person_id = %s", EMPLOYEE)
    same, output = told.rebuild()
    assert not same
    assert f"packets {OTHER}: differing in manager_id" in output.splitlines()
    assert f"directory {EMPLOYEE}: differing in active" in output.splitlines()


def test_a_fact_that_was_repaired_by_a_sweep_is_no_difference(told: Published) -> None:
    told.assessment.rows[REVIEW]["closed"] = True
    told.about(REVIEW)
    told.assessment.everybody = told.rows("select * from directory order by person_id")
    assert told.service.sweep() != []
    same, output = told.rebuild()
    assert same, output
    assert "1 packets were compared with assessment's pages" in output


def test_a_repair_that_was_faster_than_its_fact_is_no_difference(told: Published) -> None:
    told.assessment.rows[REVIEW]["closed"] = True
    fact = told.about(REVIEW)
    # Assessment's row goes on, with steps of which no fact tells.
    told.about(REVIEW)
    assert told.service.sweep() != []
    told.tell("review.closed.v1", fact)
    told.about(REVIEW)
    assert told.row()["assessment_version"] == fact["version"] + 1
    same, output = told.rebuild()
    assert same, output


def test_assessment_is_told_of_no_sweep(told: Published) -> None:
    told.broker.logs.clear()
    told.rebuild()
    assert told.assessment.swept == []
    assert "/internal/states" in told.assessment.asked


def test_a_record_that_cannot_be_applied_is_counted(told: Published) -> None:
    place = ("reviews.assessment.v1", 0)
    nonsense = Outgoing(topic=place[0], key=b"nonsense", headers=[("ce_type", b"review.closed.v1")], value=b"{")
    assert told.broker.producer().publish([nonsense]) == [None]
    same, output = told.rebuild()
    assert same, output
    assert "1 records could not be applied: see `dlq list`" in output.splitlines()
    assert told.rows("select * from dead_letter") == []


def test_it_is_refused_in_quarantine_and_before_a_restored_assessment_is_repaired(told: Published) -> None:
    told.assessment.restored = "0198c0de-9000-7a10-8b2f-000000000001"
    with pytest.raises(Unable, match="assessment was restored"):
        told.rebuild()
    told.assessment.restored = None
    with told.service.db.begin() as tx:
        quarantine.begin(tx)
    with pytest.raises(Unable, match="quarantine"):
        told.rebuild()
    assert told.schemas() == []


def test_a_role_that_may_not_make_a_schema_is_told_what_it_lacks(told: Published) -> None:
    wired = told.service.rebuild
    assert isinstance(wired, Rebuild)
    poor = replace(wired, settings=replace(told.service.settings, migration_url=""))
    with pytest.raises(Unable, match=r"packets may not create a schema in .*REVIEW_MIGRATION_URL"):
        poor(told.broker, io.StringIO())


def test_two_at_once_are_one_too_many(told: Published) -> None:
    with (
        psycopg.connect(libpq_url(told.service.settings.migration_url)) as other,
        other.execute("select pg_advisory_lock(7310)"),
        pytest.raises(Unable, match="another process"),
    ):
        told.rebuild()
    assert told.rebuild()[0]


def test_nothing_is_left_where_the_broker_fails_in_between(told: Published) -> None:
    def fail() -> None:
        assert told.schemas() != []
        raise BrokerDown("gone")

    busy = Busy(logs=told.broker.logs, partitions=told.broker.partitions, then=fail)
    with pytest.raises(BrokerDown):
        told.rebuild(broker=busy)
    assert told.schemas() == []
    told.broker.down = True
    with pytest.raises(BrokerDown):
        told.rebuild()
    assert told.schemas() == []


def test_assessment_that_fails_in_between_is_told_and_nothing_is_left(told: Published) -> None:
    told.assessment.refused = "/internal/contents"
    with pytest.raises(Unable, match="did not give its contents"):
        told.rebuild()
    assert told.schemas() == []
    told.assessment.down = True
    with pytest.raises(PeerUnavailable):
        told.rebuild()


def test_what_a_killed_one_has_left_is_replaced(told: Published, packets_database: ServiceDatabase) -> None:
    with psycopg.connect(libpq_url(packets_database.migrations_url)) as owner:
        owner.execute(f"create schema {SCHEMA}")
        owner.execute(f"create table {SCHEMA}.packets (review_id uuid)")
    assert told.rebuild()[0]
    assert told.schemas() == []


def act(told: Published, outcome: Callable[[], bool] | None) -> int:
    def rebuild(*_: object) -> bool:
        assert outcome is not None
        return outcome()

    chosen = runner.parser("packets").parse_args(["check", "--rebuild"])
    return verbs.run(chosen, replace(told.service, rebuild=rebuild if outcome else None))


def raising(error: Exception) -> Callable[[], bool]:
    def outcome() -> bool:
        raise error

    return outcome


def test_the_verb_ends_with_zero_one_or_two_and_says_what_to_do(
    told: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    assert act(told, lambda: True) == 0
    assert act(told, lambda: False) == 1
    assert capsys.readouterr().err == ""
    lost = sa.exc.OperationalError("select", {}, psycopg.OperationalError("lost"), connection_invalidated=True)
    for error, words in (
        (Unable("do this first"), "do this first"),
        (BrokerDown("KafkaTimeoutError"), "REVIEW_KAFKA_BOOTSTRAP"),
        (PeerUnavailable("503"), "REVIEW_PEERS"),
        (PeerRefused(401, "token-expired"), "REVIEW_SERVICE_TOKEN_FILE"),
        (lost, "the database did not answer"),
    ):
        assert act(told, raising(error)) == 2
        assert words in capsys.readouterr().err
    assert act(told, None) == 2
    assert "nothing that could be built anew" in capsys.readouterr().err
    with pytest.raises(sa.exc.ProgrammingError):
        act(told, raising(sa.exc.ProgrammingError("select", {}, psycopg.errors.UndefinedTable("x"))))
