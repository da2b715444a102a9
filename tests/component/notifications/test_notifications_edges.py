"""The edges: who may ask what, bad input, the contracts' examples, the migrations, the settings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from component.notifications.notifications_desk import (
    ASSISTANT,
    EMPLOYEE,
    HR,
    MANAGER,
    OTHER_REVIEW,
    OUTSIDER,
    REVIEW,
    empty,
    settings_for,
)
from notifications import app, commands, store
from notifications.domain.ids import DeliveryId
from notifications.subscriptions import SUBSCRIPTIONS
from reviewbus import migrate, tables
from reviewbus.auth import DevelopmentIssuer
from reviewbus.catalogue import Catalogue
from reviewbus.clock import new_id
from reviewbus.envelope import Received
from reviewbus.schema import encode_cursor
from reviewbus.testing.examples import labelled

if TYPE_CHECKING:
    from pathlib import Path

    from component.notifications.notifications_desk import Desk
    from harness.stack import ServiceDatabase

ITEM = {"person_id": EMPLOYEE, "kind": "form", "review_id": REVIEW, "at": 0}


def problem(answer: Any) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.data
    assert answer.json["type"] == f"/problems/{answer.json['code']}"
    return answer.status_code, answer.json["code"]


@pytest.mark.parametrize(
    ("person", "roles"), [(EMPLOYEE, ()), (MANAGER, ()), (OUTSIDER, ("calibrator",)), ("packets", ("service",))]
)
def test_only_hr_lists_deliveries(desk: Desk, person: str, roles: tuple[str, ...]) -> None:
    assert problem(desk.get(person, "/v1/deliveries", *roles)) == (403, "forbidden-role")


def test_hr_and_assistants_list_deliveries_but_none_of_their_own_review(desk: Desk) -> None:
    desk.opened()
    for person, role in ((HR, "hr_admin"), (ASSISTANT, "hr_assistant")):
        assert [one[:3] for one in desk.deliveries(person=person, role=role)] == [("kick-off", EMPLOYEE, "queued")]
    assert desk.deliveries(person=EMPLOYEE) == []


def test_deliveries_are_filtered_and_paged_newest_first(desk: Desk) -> None:
    desk.opened()
    desk.opened(OTHER_REVIEW)
    desk.unreleased()
    desk.work()
    assert [one[:2] for one in desk.deliveries(f"?review_id={OTHER_REVIEW}")] == [("kick-off", EMPLOYEE)]
    assert [one[:2] for one in desk.deliveries(f"?recipient_id={MANAGER}")] == [("unreleased", MANAGER)]
    assert desk.deliveries("?state=failed") == []
    first = desk.get(HR, "/v1/deliveries?limit=3", "hr_admin").json
    rest = desk.get(HR, f"/v1/deliveries?limit=3&cursor={first['next_cursor']}", "hr_admin").json
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [3, 1, None]
    ids = [one["delivery_id"] for one in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True)
    assert first["items"][0] | {"delivery_id": "", "recipient_id": ""} == {
        "delivery_id": "",
        "review_id": REVIEW,
        "recipient_id": "",
        "template": "unreleased",
        "occasion": "1",
        "state": "sent",
        "reason": None,
        "attempts": 1,
        "created_at": "2026-03-02T09:00:00.000000Z",
        "settled_at": "2026-03-02T09:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/v1/tasks?person_id=p-max", "/query/person_id"),
        ("/v1/deliveries?limit=0", "/query/limit"),
        ("/v1/deliveries?limit=201", "/query/limit"),
        ("/v1/deliveries?limit=many", "/query/limit"),
        ("/v1/deliveries?state=lost", "/query/state"),
        ("/v1/deliveries?review_id=1", "/query/review_id"),
        ("/v1/deliveries?recipient_id=", "/query/recipient_id"),
        (f"/v1/deliveries?recipient_id={'p' * 65}", "/query/recipient_id"),
        ("/v1/deliveries?recipient_id=%00", "/query/recipient_id"),
        ("/v1/deliveries?cursor=%21", "/query/cursor"),
        (f"/v1/deliveries?cursor={encode_cursor(REVIEW, 1)}", "/query/cursor"),
        ("/v1/deliveries?order=oldest", "/query/order"),
    ],
)
def test_a_query_that_is_not_ours_is_refused_and_says_where(desk: Desk, path: str, pointer: str) -> None:
    answer = desk.get(HR, path, "hr_admin")
    assert problem(answer) == (422, "invalid-request")
    assert [one["pointer"] for one in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/items"),
        ({"items": [ITEM] * 501}, "/items"),
        ({"items": [{**ITEM, "at": -1}]}, "/items/0/at"),
        ({"items": [{**ITEM, "at": "1"}]}, "/items/0/at"),
        ({"items": [{**ITEM, "review_id": "r"}]}, "/items/0/review_id"),
        ({"items": [{**ITEM, "more": 1}]}, "/items/0/more"),
        ({"items": [{**ITEM, "kind": "\x00"}]}, "/items/0/kind"),
    ],
)
def test_a_question_of_the_wrong_form_is_refused_and_says_where(desk: Desk, body: Any, pointer: str) -> None:
    answer = desk.post("packets", "/internal/visibility", body, "service")
    assert problem(answer) == (422, "invalid-request")
    assert [one["pointer"] for one in answer.json["errors"]] == [pointer]


def test_what_is_between_services_is_closed_to_people(desk: Desk) -> None:
    assert problem(desk.get(HR, "/internal/states", "hr_admin")) == (403, "forbidden-role")
    assert problem(desk.post(HR, "/internal/visibility", {"items": []}, "hr_admin")) == (403, "forbidden-role")


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/deliveries", "/internal/states"])
def test_without_a_token_nothing_is_answered(desk: Desk, path: str) -> None:
    assert problem(desk.client.get(path)) == (401, "unauthorized")
    assert problem(desk.client.get(path, headers={"Authorization": "Bearer x.y.z"})) == (401, "unauthorized")


def test_a_malformed_body_an_unknown_path_and_a_wrong_method_are_problems_too(desk: Desk) -> None:
    token = {"Authorization": f"Bearer {desk.issuer.token('packets', ['service'], scope='internal')}"}
    body = {"data": b"{", "content_type": "application/json"}
    assert problem(desk.client.post("/internal/visibility", headers=token, **body))[0] == 400
    assert problem(desk.client.get("/v1/inbox", headers=token))[0] == 404
    assert problem(desk.client.post("/v1/tasks", headers=token, json={}))[0] == 405


def test_the_topics_name_this_service_wherever_it_subscribes() -> None:
    catalogue = Catalogue.load()
    named = {kind for kind, one in catalogue.types.items() if "notifications" in one.subscribers}
    assert named == set(SUBSCRIPTIONS)


@pytest.mark.parametrize("kind", sorted(SUBSCRIPTIONS))
def test_every_example_of_what_is_subscribed_to_is_applied_and_repeats_change_nothing(desk: Desk, kind: str) -> None:
    for label, told in labelled(kind):
        empty(desk.url)
        desk.tell(kind, told, times=1)
        once = desk.everything()
        assert len(once["board"]) == 1, label
        desk.tell(kind, told)
        assert desk.everything() == once, label


def test_facts_of_several_reviews_in_one_batch_are_applied_each(desk: Desk) -> None:
    batch = [
        Received(id=new_id(), type=kind, source="/other", key=told["review_id"], time=desk.clock(), data=told)
        for kind in sorted(SUBSCRIPTIONS)
        for _, told in labelled(kind)
    ]
    with desk.service.db.begin() as tx:
        desk.service.applier().apply_batch(tx, batch)
    assert len(desk.everything()["board"]) == len({one.key for one in batch})


def test_of_two_workers_with_the_same_delivery_one_begins(desk: Desk) -> None:
    desk.released()
    delivery_id = DeliveryId(desk.rows("select delivery_id::text from delivery")[0][0])
    with desk.service.db.begin() as tx:
        (read,) = commands.take_up(tx, [delivery_id])
    with desk.service.db.begin() as tx:
        begun = commands.pass_on(tx, None, read)
    assert begun is not None
    with desk.service.db.begin() as tx:
        assert commands.pass_on(tx, None, read) is None
    with desk.service.db.begin() as tx:
        commands.pass_on(tx, begun, None)
    before = desk.everything()
    with desk.service.db.begin() as tx:
        commands.pass_on(tx, begun, None)
        assert commands.take_up(tx, [delivery_id]) == []
    assert desk.everything() == before


def test_the_migrations_make_what_the_tables_say_and_can_be_taken_back(own_database: ServiceDatabase) -> None:
    engine = sa.create_engine(own_database.migrations_url, poolclass=sa.NullPool)

    def differences() -> list[Any]:
        options = {"compare_type": True, "include_object": migrate._ours}
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts=options)
            found: list[Any] = compare_metadata(context, [tables.metadata, store.metadata])  # type: ignore[arg-type]
            return found

    assert differences() == []
    migrate.downgrade(app.MIGRATIONS, own_database.migrations_url, "base")
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(app.MIGRATIONS, own_database.migrations_url)
    assert differences() == []
    with engine.connect() as connection:
        assert connection.execute(sa.select(store.watermark.c.effects_from)).scalar_one() is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"smtp_tls": "yes"}, "smtp_tls"),
        ({"smtp_user": "u", "smtp_password": "secret"}, "needs TLS"),
        ({"effects_from": "2026-03-01T00:00:00"}, "offset"),
        ({"effects_from": "yesterday"}, "isoformat"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_the_start(
    desk: Desk, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        app.build(replace(desk.settings, **changes))  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


def test_the_committed_description_is_the_one_that_is_served(desk: Desk) -> None:
    committed = json.loads((app.MIGRATIONS.parent / "openapi.json").read_text(encoding="utf-8"))
    assert desk.client.get("/openapi.json").json == committed
    assert all(
        "summary" in one for methods in committed["paths"].values() for one in methods.values() if "responses" in one
    )


def test_the_service_is_composed_without_a_database(own_database: ServiceDatabase, tmp_path: Path) -> None:
    issuer = DevelopmentIssuer(tmp_path)
    unreachable = replace(
        settings_for(own_database, issuer).bus, database_url="postgresql+psycopg://nobody@127.0.0.1:1/x"
    )
    service = app.build(replace(settings_for(own_database, issuer), bus=unreachable))
    client = service.wsgi().test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    service.close()
    service.db.close()
