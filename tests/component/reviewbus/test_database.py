"""Transactions, the directory, the inbox's partitions and the migrations."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from component.reviewbus import toy
from reviewbus import clock as real_clock
from reviewbus import directory, inbox, migrate, tables
from reviewbus.db import AuditEntry, is_away, is_transient, libpq_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.stack import ServiceDatabase
    from reviewbus.db import Database
    from reviewbus.settings import BusSettings
    from reviewbus.testing.fixed_clock import FixedClock


class Refused(Exception):
    """A refusal as services have them."""

    code: ClassVar[str] = "refused"
    rank: ClassVar[int] = 8


def write(db: Database, error: Exception, *, keep: bool) -> None:
    def fail() -> None:
        with db.begin() as tx:
            tx.keep_on_refusal = keep
            tx.execute(sa.insert(toy.applied).values(key="k", type="x", n=1))
            tx.audit(AuditEntry(actor="p", role="r", action="a", object_id="o", reason="because"))
            raise error

    with pytest.raises(type(error)):
        fail()


def test_a_refusal_rolls_back_unless_the_command_keeps_something(db: Database) -> None:
    write(db, Refused(), keep=False)
    assert (toy.rows(db, "applied"), toy.rows(db, "audit")) == (0, 0)
    write(db, Refused(), keep=True)
    assert (toy.rows(db, "applied"), toy.rows(db, "audit")) == (1, 1)


def test_a_fault_rolls_back_whatever_the_command_wanted_to_keep(db: Database) -> None:
    write(db, KeyError(), keep=True)
    assert (toy.rows(db, "applied"), toy.rows(db, "audit")) == (0, 0)


def test_events_are_stored_in_the_order_of_their_emission_and_once(db: Database) -> None:
    with db.begin() as tx:
        tx.emit(toy.event("k", 1))
        tx.flush()
        tx.emit(toy.event("k", 2))
        tx.flush()
    with db.begin() as tx:
        headers = tx.execute(sa.select(tables.outbox.c.headers).order_by(tables.outbox.c.id)).scalars().all()
    assert [int(each["ce_sequence"]) for each in headers] == [1, 2]


def test_the_database_being_away_is_told_from_a_mistake(db: Database, bus: BusSettings) -> None:
    with pytest.raises(sa.exc.OperationalError) as away, toy.open_database(toy.with_unreachable_database(bus)).begin():
        pass
    assert is_transient(away.value)
    with db.begin():  # leaves its connection in the pool
        pass
    toy.end_connections(bus)
    with pytest.raises(sa.exc.DBAPIError) as ended, db.begin() as tx:
        tx.execute(sa.text("select 1"))
    assert is_transient(ended.value)
    for statement, transient in (
        ("set local statement_timeout = 1; select pg_sleep(10)", True),
        ("select 1/0", False),
        ("select nothing", False),
    ):
        with pytest.raises(sa.exc.DBAPIError) as failed, db.begin() as tx:
            tx.execute(sa.text(statement))
        assert is_transient(failed.value) is transient
        # A time-out is worth another request, but nobody may wait for ever for what always takes too long.
        assert not is_away(failed.value)
    assert is_away(away.value)
    assert is_away(ended.value)
    assert not is_transient(KeyError())


def test_a_lock_is_not_waited_for_longer_than_the_settings_say(db: Database, bus: BusSettings) -> None:
    impatient = toy.open_database(toy.settings_with(bus, lock_timeout_ms=50))
    with db.begin() as holder:
        holder.execute(sa.text("lock table applied"))
        with pytest.raises(sa.exc.DBAPIError) as failed, impatient.begin() as tx:
            tx.execute(sa.text("select * from applied"))
    assert is_transient(failed.value)
    impatient.close()


def person(name: str, manager: str | None, version: int = 1, *, active: bool = True) -> Mapping[str, object]:
    return {"person_id": name, "manager_id": manager, "active": active, "version": version}


def test_the_line_above_ends_where_it_began_in_a_loop(db: Database) -> None:
    with db.begin() as tx:
        directory.learn(tx, [person("a", "b"), person("b", "c"), person("c", "a"), person("d", "a"), person("e", None)])
    with db.begin() as tx:
        assert directory.line_above(tx, "d") == {"a", "b", "c"}
        assert directory.line_above(tx, "a") == {"a", "b", "c"}
        assert directory.line_above(tx, "e") == directory.line_above(tx, "stranger") == frozenset()


def test_older_facts_about_a_person_change_nothing(db: Database) -> None:
    with db.begin() as tx:
        assert directory.learn(tx, [person("a", "new", 5)]) == 1
        assert directory.learn(tx, [person("a", "old", 4, active=False), person("a", "same", 5)]) == 0
        assert directory.line_above(tx, "a") == {"new"}
        assert directory.learn(tx, [person("b", None), person("a", None, 6, active=False), person("a", "old", 5)]) == 2
        assert directory.line_above(tx, "a") == frozenset()
        assert directory.learn(tx, []) == 0


def test_everybody_is_learnt_page_by_page_and_only_news_counts(db: Database) -> None:
    with db.begin() as tx:
        directory.learn(tx, [person("a", "b", 2), person("c", "old", 1)])
    pages = {None: ([person("a", "b", 2), person("b", "c", 1)], "b"), "b": ([person("c", "d", 2)], None)}
    assert directory.catch_up(db, lambda cursor: pages[cursor]) == 2
    assert directory.catch_up(db, lambda cursor: pages[cursor]) == 0
    with db.begin() as tx:
        assert directory.line_above(tx, "a") == {"b", "c", "d"}


def partitions(connection: sa.Connection) -> set[str]:
    query = "select inhrelid::regclass::text from pg_inherits where inhparent = 'inbox'::regclass"
    return set(connection.execute(sa.text(query)).scalars())


def test_the_inbox_gets_the_coming_weeks_and_loses_the_old_ones(own_database: ServiceDatabase) -> None:
    engine = sa.create_engine(own_database.migrations_url, poolclass=sa.NullPool)
    now = real_clock.utc_now()
    with engine.begin() as connection:
        before = partitions(connection)
        assert len(before) == 1 + 1 + inbox.AHEAD_WEEKS
        assert inbox.maintain(connection, now) == 0
        assert inbox.maintain(connection, now + timedelta(weeks=1)) == 1
        assert before <= partitions(connection)
        late = now + timedelta(days=inbox.KEEP_DAYS + 15)
        assert inbox.maintain(connection, late) > 0
        left = partitions(connection) - {"inbox_default"}
        assert f"inbox_{now - timedelta(days=now.weekday()):%Y%m%d}" not in left
        assert len(left) >= 1 + inbox.AHEAD_WEEKS
    engine.dispose()


def test_a_week_whose_rows_came_before_its_partition_stays_in_the_default_one(own_database: ServiceDatabase) -> None:
    engine = sa.create_engine(own_database.migrations_url, poolclass=sa.NullPool)
    future = real_clock.utc_now() + timedelta(weeks=20)
    with engine.begin() as connection:
        connection.execute(tables.inbox.insert().values(event_id=inbox.lowest_id(future), received_at=future))
        inbox.maintain(connection, future)
        assert connection.execute(sa.text("select count(*) from only inbox_default")).scalar_one() == 1
    engine.dispose()


def test_two_deployments_may_maintain_the_inbox_at_once(own_database: ServiceDatabase) -> None:
    engine = sa.create_engine(own_database.migrations_url)
    now = real_clock.utc_now() + timedelta(weeks=8)
    changed: list[int] = []

    def deploy() -> None:
        with engine.begin() as connection:
            changed.append(inbox.maintain(connection, now))

    threads = [threading.Thread(target=deploy) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(changed)[:2] == [0, 0]
    assert len(changed) == 3
    engine.dispose()


def test_the_migrated_tables_are_those_of_the_code_and_go_again(own_database: ServiceDatabase) -> None:
    engine = sa.create_engine(own_database.migrations_url, poolclass=sa.NullPool)
    both: Any = [tables.metadata, toy.metadata]
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": migrate._ours})
        assert compare_metadata(context, both) == []
    migrate.downgrade(toy.MIGRATIONS, own_database.migrations_url, "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    toy.bring_up(own_database.migrations_url)
    assert "outbox" in sa.inspect(engine).get_table_names()
    engine.dispose()


def test_a_migration_waits_for_one_that_is_going_on(own_database: ServiceDatabase) -> None:
    done = threading.Event()

    def deploy() -> None:
        toy.bring_up(own_database.migrations_url)
        done.set()

    second = threading.Thread(target=deploy)
    with psycopg.connect(libpq_url(own_database.migrations_url), autocommit=True) as first:
        first.execute("select pg_advisory_lock(%s)", [migrate.MIGRATION_LOCK])
        second.start()
        for _ in range(5_000):
            waiting = first.execute(
                "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted",
                [migrate.MIGRATION_LOCK],
            ).fetchone()
            if waiting == (1,):
                break
        assert waiting == (1,)
        assert not done.is_set()
    second.join(20)
    assert done.is_set()


def test_the_services_role_changes_rows_but_no_tables(db: Database) -> None:
    for statement in ("drop table applied", "create table more (n int)", "alter table audit add column n int"):
        with pytest.raises(sa.exc.ProgrammingError), db.begin() as tx:
            tx.execute(sa.text(statement))


def test_time_stands_still_within_a_transaction(db: Database, clock: FixedClock) -> None:
    with db.begin() as tx:
        before = tx.now
        clock.forward(hours=1)
        assert tx.now == before
