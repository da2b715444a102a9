"""A record that cannot be applied parks its key; the rest flows, and a person lets the key go on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from harness.people import ANNA, BEN
from harness.story import expect
from reviewbus import dead_letters
from reviewbus.broker import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.journey import Stage


@contextlib.contextmanager
def without_table(stage: Stage, name: str, table: str) -> Iterator[None]:
    """Within the block a service's table is missing, as after a migration that went wrong."""
    engine = sa.create_engine(stage.world.service(name).settings.migration_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(f"alter table {table} rename to {table}_away"))
    yield
    with engine.begin() as connection:
        connection.execute(sa.text(f"alter table {table}_away rename to {table}"))
    engine.dispose()


def letters(stage: Stage, name: str) -> list[dict[str, Any]]:
    with stage.world.service(name).db.begin() as tx:
        return dead_letters.listing(tx)


def test_a_record_that_fails_too_often_parks_its_key_until_it_is_replayed(own_stage: Stage) -> None:
    stage, story = own_stage, own_stage.with_manager()
    with without_table(stage, "signing", "record"):
        story.release()
        for _ in range(6):
            stage.world.clock.forward(minutes=5)
            stage.settle()
    dead = [one for one in letters(stage, "signing") if one["type"] == "packet.released.v1" and one["status"] == "dead"]
    assert len(dead) == 1
    story.unrelease()
    story.send_to_manager()
    story.release()
    waiting = [one["type"] for one in letters(stage, "signing") if one["status"] == "waiting"]
    assert {"packet.unreleased.v1", "packet.released.v1"} <= set(waiting)
    assert story.signer("employee")["state"] == "closed"
    service = stage.world.service("signing")
    with service.db.begin() as tx:
        dead_letters.replay(tx, dead[0]["id"], service.applier().apply_one, actor="operator")
    stage.settle()
    assert letters(stage, "signing") == []
    story.sign(ANNA)
    assert story.signer("employee")["epoch"] == 2


def test_a_record_that_breaks_its_contract_parks_one_key_and_is_discarded(own_stage: Stage) -> None:
    stage, story = own_stage, own_stage.story
    story.begin(ANNA, BEN, calibration_required=False)
    story.select_questions()
    key = story.review(ANNA).encode()
    nonsense = Outgoing(topic="reviews.assessment.v1", key=key, headers=[], value=b"{")
    stage.world.running["assessment"].producer.publish([nonsense])
    for employee in (ANNA, BEN):
        story.written(employee)
    stage.settle()
    assert story.packet(BEN)["state"] == "ready"
    assert story.packet(ANNA)["state"] == "none"
    services = [name for name in ("packets", "signing", "notifications") if letters(stage, name)]
    assert services == ["packets", "signing", "notifications"]
    for name in services:
        service = stage.world.service(name)
        [dead] = [one for one in letters(stage, name) if one["status"] == "dead"][:1]
        with service.db.begin() as tx:
            dead_letters.discard(tx, dead["id"], service.applier().apply_one, actor="operator")
    stage.settle()
    assert story.packet(ANNA)["state"] == "ready"
    expect(story.as_(ANNA).get(f"/v1/reviews/{story.review(ANNA)}"))
