"""Operations over many objects as the chassis keeps them, in tables that have names of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from component.reviewbus import toy
from reviewbus.operations import store, views
from reviewbus.operations.api import chosen
from reviewbus.operations.store import Chosen, OperationTables
from reviewbus.operations.views import Filters, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.stack import ServiceDatabase
    from reviewbus.db import Database
    from reviewbus.testing.fixed_clock import FixedClock

ID, INSTANT = UUID(as_uuid=False), TIMESTAMP(timezone=True)
CYCLE, OTHER_CYCLE = (str(uuid4()) for _ in range(2))
ONE, TWO, THREE, LATE = sorted(str(uuid4()) for _ in range(4))
HR, ANNA, BEN = "p-hr", "p-anna", "p-ben"
OUTCOMES = ("chosen", "allowed", "asked", "done", "skipped", "failed", "cancelled")

_metadata = sa.MetaData()
KEPT = OperationTables(
    operations=sa.Table(
        "wish",
        _metadata,
        sa.Column("wish_id", ID, primary_key=True),
        *(sa.Column(name, sa.Text) for name in ("command", "state", "begun_by", "actor_id", "reason")),
        sa.Column("cycle_id", ID),
        sa.Column("size", sa.Integer),
        *(sa.Column(name, INSTANT) for name in ("expires_at", "created_at", "applied_at", "started_at", "finished_at")),
    ),
    items=sa.Table(
        "wish_item",
        _metadata,
        sa.Column("operation_id", ID, primary_key=True),
        sa.Column("sheet_id", ID, primary_key=True),
        sa.Column("subject_id", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("unmet", JSONB, nullable=False),
        sa.Column("decided_at", INSTANT),
    ),
    objects=sa.Table(
        "sheet",
        _metadata,
        sa.Column("sheet_id", ID, primary_key=True),
        *(sa.Column(name, sa.Text) for name in ("subject_id", "state")),
        sa.Column("cycle_id", ID),
    ),
    object_id="sheet_id",
)


class Refused(Exception):
    """A reason of a service."""

    detail = ""


class TooLate(Refused):
    """It is too late for that: ask again next year."""

    code = "too-late"


@pytest.fixture
def db(own_database: ServiceDatabase, clock: FixedClock) -> Iterator[Database]:
    """The toy's database with tables for operations; three sheets, of HR, Anna and Ben."""
    owner = sa.create_engine(own_database.migrations_url, poolclass=sa.NullPool)
    _metadata.create_all(owner)
    owner.dispose()
    opened = toy.open_database(toy.settings(own_database), clock)
    with opened.begin() as tx:
        for sheet_id, subject_id, state in ((ONE, HR, "open"), (TWO, ANNA, "open"), (THREE, BEN, "closed")):
            row = {"sheet_id": sheet_id, "subject_id": subject_id, "state": state, "cycle_id": CYCLE}
            tx.execute(sa.insert(KEPT.objects).values(row))
    yield opened
    opened.close()


def begun(db: Database, state: str = "running", *, by: str = HR, named: tuple[str, ...] = (), **more: Any) -> str:
    """Begin an operation of the named sheets, or of all in the cycle but the own."""
    operation_id = str(uuid4())
    values = {"wish_id": operation_id, "command": "burn", "state": state, "begun_by": by, "actor_id": by, **more}
    with db.begin() as tx:
        subjects = store.subjects(tx, KEPT, named)
        rows: list[dict[str, Any]] = [
            {"sheet_id": each, "subject_id": subjects.get(each), "outcome": "chosen", "unmet": []} for each in named
        ]
        filters = Chosen(filters={"cycle_id": CYCLE})
        size = (
            store.add_items(tx, KEPT, operation_id, rows)
            if named
            else store.choose_filtered(tx, KEPT, operation_id, filters, but_of=by)
        )
        cycle_id = None if named else CYCLE
        store.add(tx, KEPT, {**values, "size": size, "cycle_id": cycle_id})
    return operation_id


def noted(db: Database, operation_id: str, sheet_id: str, outcome: str, *unmet: str) -> None:
    with db.begin() as tx:
        store.note(tx, KEPT, operation_id, [{"sheet_id": sheet_id, "outcome": outcome, "unmet": list(unmet)}])


def moved(db: Database, operation_id: str, before: str, after: str) -> Any:
    """Save the operation in another state; return its row then."""
    with db.begin() as tx:
        store.save(tx, KEPT, operation_id, {"state": after}, before=before)
    return row_of(db, operation_id)


def row_of(db: Database, operation_id: str) -> Any:
    with db.begin() as tx:
        return store.read(tx, KEPT, operation_id)


def read(db: Database, operation_id: str, besides: str | None = None, **narrower: Any) -> list[dict[str, Any]]:
    with db.begin() as tx:
        wanted = {"outcome": None, "after": None, "limit": 10, **narrower}
        found, _ = views.items(tx, KEPT, operation_id, lambda code, _: code.upper(), besides=besides, **wanted)
    return found


def listed(db: Database, reader: Reader, after: str | None = None, **wanted: Any) -> dict[str, int]:
    with db.begin() as tx:
        rows, _ = views.listing(tx, KEPT, reader, Filters(**wanted), after=after, limit=10)
    return {row["wish_id"]: row["told_size"] for row in rows}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Chosen(filters={"cycle_id": CYCLE}), [TWO, THREE]),
        (Chosen(filters={"cycle_id": CYCLE, "state": "open"}), [TWO]),
        (Chosen(filters={"cycle_id": CYCLE}, leave_out=[TWO, LATE]), [THREE]),
        (Chosen(filters={"cycle_id": OTHER_CYCLE}), []),
    ],
    ids=["all but the own", "of a state", "but some", "of another cycle"],
)
def test_a_filter_chooses_what_it_names_and_never_the_own(db: Database, wanted: Chosen, found: list[str]) -> None:
    operation_id = str(uuid4())
    with db.begin() as tx:
        assert store.choose_filtered(tx, KEPT, operation_id, wanted, but_of=HR) == len(found)
    assert [each["sheet_id"] for each in read(db, operation_id)] == found


def test_a_selection_is_read_from_a_request() -> None:
    assert chosen({"sheet_ids": [ONE]}, "sheet_ids") == Chosen(named={ONE})
    request = {"filter": {"cycle_id": CYCLE}, "leave_out": [TWO]}
    assert chosen(request, "sheet_ids") == Chosen(filters={"cycle_id": CYCLE}, leave_out={TWO})


def test_an_operation_notes_when_it_was_applied_started_and_over(db: Database, clock: FixedClock) -> None:
    plan, start = begun(db, "planning"), clock()
    clock.forward(hours=1)
    row = moved(db, plan, "planning", "planned")
    assert [row[name] for name in ("created_at", "applied_at", "started_at")] == [start, None, None]
    clock.forward(hours=1)
    row = moved(db, plan, "planned", "running")
    assert row["applied_at"] == row["started_at"] == clock()
    applied = clock()
    clock.forward(hours=1)
    row = moved(db, plan, "running", "completed")
    assert [row[name] for name in ("applied_at", "started_at", "finished_at")] == [applied, applied, clock()]
    at_once = row_of(db, begun(db))
    assert (at_once["started_at"], at_once["applied_at"]) == (clock(), None)


def test_items_that_wait_come_in_order_after_where_the_pass_is(db: Database) -> None:
    operation = begun(db, named=(ONE, TWO, THREE))
    noted(db, operation, TWO, "done")
    with db.begin() as tx:
        for after, limit, found in ((None, 10, [ONE, THREE]), (None, 1, [ONE]), (ONE, 10, [THREE]), (THREE, 10, [])):
            rows = store.next_items(tx, KEPT, operation, after=after, limit=limit)
            assert [row["sheet_id"] for row in rows] == found


def test_what_a_plan_skipped_took_no_time_and_what_is_in_flight_is_left(db: Database, clock: FixedClock) -> None:
    plan = begun(db, "planning", named=(ONE, TWO, THREE))
    noted(db, plan, ONE, "skipped", "too-late")
    moved(db, plan, "planning", "planned")
    clock.forward(hours=1)
    moved(db, plan, "planned", "running")
    clock.forward(seconds=10)
    noted(db, plan, TWO, "done")
    noted(db, plan, THREE, "asked")
    with db.begin() as tx:
        seen = views.progress(tx, KEPT, row_of(db, plan), OUTCOMES, besides=None)
    assert seen["counts"] == {**dict.fromkeys(OUTCOMES, 0), "skipped": 1, "done": 1, "asked": 1}
    assert (seen["per_second"], seen["seconds_left"]) == (0.1, 10.0)
    moved(db, plan, "running", "completed")
    with db.begin() as tx:
        assert views.progress(tx, KEPT, row_of(db, plan), OUTCOMES, besides=None)["seconds_left"] is None


def test_of_the_own_nothing_is_told_even_if_it_was_not_known_when_it_was_named(db: Database) -> None:
    operation = begun(db, by=BEN, named=(TWO, LATE))
    alone = begun(db, by=BEN, named=(LATE,))
    assert {each["sheet_id"]: each["subject_id"] for each in read(db, operation, HR)} == {TWO: ANNA, LATE: None}
    with db.begin() as tx:
        row = {"sheet_id": LATE, "subject_id": HR, "cycle_id": OTHER_CYCLE}
        tx.execute(sa.insert(KEPT.objects).values(row))
    assert [each["sheet_id"] for each in read(db, operation, HR)] == [TWO]
    assert {each["sheet_id"]: each["subject_id"] for each in read(db, operation, ANNA)} == {LATE: HR}
    with db.begin() as tx:
        assert store.count_outcomes(tx, KEPT, operation, besides=HR) == {"chosen": 1}
        assert not store.has_items(tx, KEPT, alone, besides=HR)
        assert store.has_items(tx, KEPT, alone)
    hr, ben = Reader(person_id=HR), Reader(person_id=BEN)
    assert listed(db, hr) == {operation: 1}
    assert listed(db, ben) == {operation: 2, alone: 1}
    assert listed(db, hr, cycle_id=OTHER_CYCLE) == {}
    assert listed(db, ben, cycle_id=OTHER_CYCLE) == {operation: 2, alone: 1}


def test_the_own_is_told_of_in_what_one_began_where_the_service_says_so(db: Database) -> None:
    own = begun(db, named=(ONE,))
    assert listed(db, Reader(person_id=HR)) == {}
    assert listed(db, Reader(person_id=HR, own_if_begun=True)) == {own: 1}
    others = begun(db, by=BEN, named=(ONE,))
    assert others not in listed(db, Reader(person_id=HR, own_if_begun=True))


def test_a_list_is_narrowed_by_cycle_action_and_state_and_goes_on_after_an_id(db: Database) -> None:
    of_filter, of_names = begun(db, "planned"), begun(db, named=(TWO,))
    reader, both = Reader(person_id=HR), {of_filter, of_names}
    assert set(listed(db, reader)) == set(listed(db, reader, cycle_id=CYCLE)) == both
    assert set(listed(db, reader, state="planned")) == {of_filter}
    assert set(listed(db, reader, command="burn")) == both
    assert listed(db, reader, command="drown") == listed(db, reader, cycle_id=OTHER_CYCLE) == {}
    assert list(listed(db, reader)) == sorted(both, reverse=True)
    assert list(listed(db, reader, max(both))) == [min(both)]


def test_items_are_told_in_words_and_narrowed_by_their_outcome(db: Database) -> None:
    operation = begun(db, named=(ONE, TWO))
    noted(db, operation, TWO, "skipped", "too-late")
    (item,) = read(db, operation, outcome="skipped")
    assert (item["sheet_id"], item["unmet"]) == (TWO, [{"code": "too-late", "detail": "TOO-LATE"}])
    assert views.sentence(Refused, "too-late") == "It is too late for that: ask again next year."
    assert views.sentence(Refused, "never-heard-of") == "Never heard of."


def test_only_plans_that_can_be_applied_count(db: Database, clock: FixedClock) -> None:
    soon = clock() + timedelta(hours=1)
    for state, expires_at in (("planning", None), ("planned", soon), ("planned", clock()), ("running", None)):
        begun(db, state, expires_at=expires_at)
    begun(db, "planning", by=BEN)
    with db.begin() as tx:
        assert store.count_plans(tx, KEPT, HR) == 2


def test_after_a_restore_nothing_goes_on_and_what_had_ended_stays(db: Database) -> None:
    under_way, over = begun(db, named=(ONE, TWO, THREE)), begun(db, "completed", named=(ONE,))
    noted(db, under_way, ONE, "done")
    noted(db, under_way, TWO, "asked")
    with db.begin() as tx:
        assert store.cancel_all(tx, KEPT, "restored") == 1
        assert store.cancel_all(tx, KEPT, "restored") == 0
    outcomes = [(each["outcome"], [one["code"] for one in each["unmet"]]) for each in read(db, under_way)]
    assert outcomes == [("done", []), ("cancelled", ["restored"]), ("cancelled", ["restored"])]
    assert (row_of(db, under_way)["state"], row_of(db, over)["state"]) == ("cancelled", "completed")
    assert [each["outcome"] for each in read(db, over)] == ["chosen"]


def test_what_ended_long_ago_and_plans_that_expired_are_forgotten(db: Database, clock: FixedClock) -> None:
    plan, run, over = begun(db, "planned", expires_at=clock() + timedelta(hours=1)), begun(db), begun(db)
    moved(db, over, "running", "completed")
    kept_for = timedelta(days=30)
    for hours, forgotten, left in ((0, 0, {plan, run, over}), (1, 1, {run, over}), (720, 1, {run})):
        clock.forward(hours=hours)
        with db.begin() as tx:
            assert store.forget(tx, KEPT, finished_for=kept_for) == forgotten
        assert {each for each in (plan, run, over) if row_of(db, each) is not None} == left
    assert read(db, over) == []
