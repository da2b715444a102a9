"""What is lost comes back: records, whole clusters, and databases that are restored from an old backup."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from harness.journey import problem
from harness.people import ANNA, HELEN, HUGO, MAX
from harness.story import MANAGER_ANSWERS, expect
from reviewbus import quarantine, verbs

if TYPE_CHECKING:
    from harness.journey import Stage

Backup = dict[str, list[dict[str, Any]]]


def backup_of(stage: Stage, name: str) -> Backup:
    """Return the rows of a service's own tables."""
    service = stage.world.service(name)
    with service.db.engine.connect() as connection:
        return {
            table.name: connection.execute(
                sa.text(f"select coalesce(jsonb_agg(to_jsonb(t)), '[]') from {table.name} t")  # noqa: S608 -- our own tables
            ).scalar_one()
            for table in service.metadata.sorted_tables
        }


def put_back(stage: Stage, name: str, backup: Backup) -> None:
    """Restore a service's own tables; what it was sent since is lost to it."""
    service = stage.world.service(name)
    with service.db.engine.begin() as connection:
        for table in reversed(service.metadata.sorted_tables):
            connection.execute(sa.delete(table))
        connection.execute(sa.text("delete from jobs"))
        for table in service.metadata.sorted_tables:
            insert = f"insert into {table.name} overriding system value select * from jsonb_populate_recordset(null::public.{table.name}, :rows)"  # noqa: E501, S608 -- our own tables
            connection.execute(sa.text(insert), {"rows": json.dumps(backup[table.name])})


def restore(stage: Stage, name: str, backup: Backup) -> None:
    """Restore a service and move its rows, as `check --restored` does; nobody is served meanwhile."""
    put_back(stage, name, backup)
    service = stage.world.service(name)
    with service.db.begin() as tx:
        quarantine.begin(tx)
    segment = {"packets": "packets", "signing": "signatures"}[name]
    for person in (ANNA, MAX):
        problem(stage.story.as_(person).get(f"/v1/{segment}/{stage.story.review()}"), 503, "quarantined")
    assert verbs._restored(service) == 0


def sweep(stage: Stage, *names: str) -> list[Any]:
    """Let services compare what they hold with the others' rows, and settle; return what they found for this story.

    A restore turns back the rows of other stories in the same world too: what is found of those is theirs.
    """
    found = [one for name in names for one in stage.world.service(name).sweep()]
    stage.settle()
    ours = set(stage.story.reviews.values())
    return [one for one in found if one.get("review_id") is None or str(one["review_id"]) in ours]


def reconcile(stage: Stage, name: str, *, seconds: float = 60) -> int:
    stage.world.clock.forward(seconds=seconds)
    sent = stage.world.running[name].periodic("reconcile")
    stage.settle()
    return sent


def agree_at_rest(stage: Stage) -> None:
    """Released ⇔ the release register is held at that epoch; signed ⇔ its register is."""
    packet = stage.internal("packets", stage.story.review())
    registers = stage.internal("assessment", stage.story.review())["registers"]
    signing = stage.internal("signing", stage.story.review())["registers"]
    assert registers["release"]["held"] == (packet["state"] == "released")
    if packet["state"] == "released":
        assert registers["release"]["epoch"] == packet["epoch"]
        assert registers["release"]["snapshot_hash"] == packet["snapshot_hash"]
    for holder, one in signing.items():
        assert registers[holder]["held"] == (one["state"] == "signed"), holder


# -- the broker loses --------------------------------------------------------------------------------------------------


def test_a_lost_lock_and_a_lost_unlock_are_sent_again(stage: Stage) -> None:
    story = stage.with_manager()
    for press, state in ((story.press_release, "released"), (story.press_unrelease, "ready")):
        expect(press(), 202)
        stage.relay("packets")
        stage.world.broker.forget()
        stage.settle()
        assert story.packet()["state"] != state
        assert reconcile(stage, "packets", seconds=1) == 0
        assert reconcile(stage, "packets") == 1
        assert story.packet()["state"] == state
        agree_at_rest(stage)


def test_a_lost_grant_is_answered_again_as_it_was(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    stage.relay("packets")
    stage.consume("assessment")
    stage.relay("assessment")
    stage.world.broker.forget()
    stage.settle()
    assert story.packet()["state"] == "releasing"
    assert reconcile(stage, "packets") == 1
    assert story.packet()["state"] == "released"
    agree_at_rest(stage)


def test_a_lost_request_for_a_signature_and_a_lost_revocation_are_sent_again(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.world.broker.forget()
    stage.settle()
    assert story.signer("employee")["state"] == "pending"
    assert reconcile(stage, "signing") == 1
    assert story.signer("employee")["state"] == "signed"
    expect(revoke(stage), 202)
    stage.relay("signing")
    stage.world.broker.forget()
    stage.settle()
    assert reconcile(stage, "signing") == 1
    assert story.signer("employee")["state"] == "open"
    agree_at_rest(stage)


def revoke(stage: Stage) -> Any:
    path = f"/v1/signatures/{stage.story.review()}/revoke"
    return stage.story.as_(HELEN).post(path, {"signer": "all", "reason": "A slip."})


def test_lost_facts_about_the_review_are_found_by_the_sweep(stage: Stage) -> None:
    story = stage.story
    story.begin(calibration_required=False)
    story.select_questions()
    stage.settle()
    story.written()
    stage.relay("assessment")
    stage.world.broker.forget()
    stage.settle()
    assert story.packet()["state"] == "none"
    assert sweep(stage, "packets", "signing")
    story.send_to_manager()
    story.release()
    story.sign(ANNA)
    agree_at_rest(stage)


def test_lost_facts_about_people_are_found_by_the_sweep_and_decide_who_may_act(own_stage: Stage) -> None:
    stage, story = own_stage, own_stage.story
    story.import_people()
    stage.relay("assessment")
    stage.world.broker.forget()
    story.create_questionnaire()
    story.create_cycle(calibration_required=False)
    story.add_participants(ANNA)
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/start"))
    stage.settle()
    story.select_questions()
    story.written()
    stage.settle()
    send = f"/v1/packets/{story.review()}/release-to-manager"
    stage.refused(lambda: story.as_(HELEN).post(send), 403, "unknown-person")
    assert {"people-facts-repaired"} <= {one.get("finding", one.get("kind")) for one in sweep(stage, "packets")}
    assert {"people-facts-repaired"} <= {one.get("kind") for one in sweep(stage, "signing")}
    # Hugo moves below the employee, and nobody is told.
    story.import_people([replace(HUGO, manager=ANNA.id)])
    stage.relay("assessment")
    stage.world.broker.forget()
    assert sweep(stage, "packets", "signing")
    stage.refused(lambda: story.as_(HUGO).post(send), 403, "self-dealing")
    story.send_to_manager()
    story.release()
    story.sign(ANNA)
    expect(revoke(stage), 202)
    stage.settle()
    assert sweep(stage, "packets", "signing") == []
    agree_at_rest(stage)


def test_lost_facts_about_the_packet_are_found_by_the_sweep(stage: Stage) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    stage.relay("packets")
    stage.consume("assessment")
    stage.relay("assessment")
    stage.consume("packets")
    stage.relay("packets")
    stage.world.broker.forget()
    stage.settle()
    assert story.packet()["state"] == "released"
    assert story.signer("employee")["state"] == "closed"
    assert sweep(stage, "signing")
    story.sign(ANNA)
    # The wish to revoke is lost as well, and found in packets' row.
    expect(story.press_unrelease(revoke_signatures=True), 202)
    stage.relay("packets")
    stage.world.broker.forget()
    reconcile(stage, "packets")
    assert story.signer("employee")["state"] == "signed"
    assert sweep(stage, "signing")
    assert story.signer("employee")["state"] == "closed"
    agree_at_rest(stage)


def test_at_rest_a_sweep_finds_nothing(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA)
    story.sign(MAX)
    assert sweep(stage, "packets", "signing") == []
    story.unrelease(revoke_signatures=True)
    assert sweep(stage, "packets", "signing") == []


def test_while_the_broker_is_away_everything_is_taken_and_nothing_shows_early(stage: Stage) -> None:
    story = stage.with_manager()
    stage.world.broker.down = True
    expect(story.press_release(), 202)
    turn_all(stage)
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 404
    stage.world.broker.down = False
    stage.world.clock.forward(minutes=10)
    stage.settle()
    assert story.packet()["state"] == "released"
    stage.world.broker.down = True
    expect(story.press_unrelease(), 202)
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 404
    turn_all(stage)
    stage.world.broker.down = False
    stage.world.clock.forward(minutes=10)
    stage.settle()
    assert story.packet()["state"] == "ready"
    agree_at_rest(stage)


def turn_all(stage: Stage) -> None:
    for one in stage.world.running.values():
        one.relay.run_once()
        one.consumer.run_once(0)


# -- a database is restored --------------------------------------------------------------------------------------------


def test_a_restored_assessment_takes_no_edit_until_both_others_have_compared_everything(stage: Stage) -> None:
    story = stage.with_manager()
    old = backup_of(stage, "assessment")
    story.release()
    put_back(stage, "assessment", old)
    assert verbs._restored(stage.world.service("assessment")) == 0
    reopen = f"/v1/reviews/{story.review()}/manager-assessment/reopen"
    packet = f"/v1/packets/{story.review()}"
    assert story.as_(ANNA).get(packet).status_code == 200
    problem(story.as_(HELEN).post(reopen, {"reason": "x"}), 503, "quarantined")
    assert sweep(stage, "packets")
    assert story.as_(ANNA).get(packet).status_code == 404
    problem(story.as_(HELEN).post(reopen, {"reason": "x"}), 503, "quarantined")
    sweep(stage, "signing")
    expect(story.as_(HELEN).post(reopen, {"reason": "x"}))
    stage.settle()
    assert story.packet()["state"] == "none"
    agree_at_rest(stage)


def test_a_lock_whose_packet_was_lost_is_freed_by_the_sweep(stage: Stage) -> None:
    story = stage.with_manager()
    old = backup_of(stage, "packets")
    story.release()
    put_back(stage, "packets", old)
    assert stage.register()["held"]
    assert sweep(stage, "packets")
    assert story.packet()["state"] == "ready"
    assert not stage.register()["held"]
    story.send_to_manager()
    story.release()
    assert sweep(stage, "packets") == []
    agree_at_rest(stage)


def test_a_released_packet_whose_register_is_not_held_is_taken_back_by_the_sweep(stage: Stage) -> None:
    story = stage.released()
    old = backup_of(stage, "packets")
    story.unrelease()
    put_back(stage, "packets", old)
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 200
    assert sweep(stage, "packets")
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 404
    assert story.packet()["state"] == "ready"
    agree_at_rest(stage)


def test_restored_packets_are_hidden_past_everything_in_flight_and_released_again_with_the_same_hash(
    stage: Stage,
) -> None:
    story = stage.with_manager()
    expect(story.press_release(), 202)
    old = backup_of(stage, "packets")
    stage.settle()
    [granted] = stage.records("hold.granted.v1")
    story.sign(ANNA)
    before = stage.internal("packets", story.review())
    restore(stage, "packets", old)
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 404
    assert stage.internal("packets", story.review())["epoch"] == before["epoch"] + 1_000
    # An answer of the time before the restore is believed by nobody.
    stage.apply_again("packets", granted)
    assert story.as_(ANNA).get(f"/v1/packets/{story.review()}").status_code == 404
    stage.settle()
    assert story.packet()["state"] == "ready"
    agree_at_rest(stage)
    story.send_to_manager()
    story.release()
    again = stage.internal("packets", story.review())
    assert again["snapshot_hash"] == before["snapshot_hash"]
    assert story.signer("employee")["state"] == "signed"
    # What was lost with the rows, as that a signature is held, is told by nobody again: a sweep finds it, if at all.
    sweep(stage, "packets", "signing")
    assert sweep(stage, "packets", "signing") == []


def test_restored_packets_learn_what_was_written_since(stage: Stage) -> None:
    story = stage.released()
    old = backup_of(stage, "packets")
    story.unrelease()
    story.save_manager(answers={**MANAGER_ANSWERS, "m-results": "<p>Written since.</p>"})
    stage.settle()
    restore(stage, "packets", old)
    stage.settle()
    sweep(stage, "packets")
    assert story.packet()["state"] == "none"
    assert story.packet()["calibration"] == "stale"
    story.confirm()
    story.send_to_manager()
    story.release()
    shown = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    assert shown["questions"][0]["value"] == "<p>Written since.</p>"
    agree_at_rest(stage)


def test_a_signature_that_a_restored_signing_does_not_know_is_lost_until_hr_revokes_it(stage: Stage) -> None:
    story = stage.released()
    old = backup_of(stage, "signing")
    story.sign(ANNA)
    restore(stage, "signing", old)
    stage.settle()
    assert story.signer("employee")["state"] == "lost"
    assert stage.register("signature:employee")["held"]
    body = {"statement_version": 1, "snapshot_hash": stage.internal("packets", story.review())["snapshot_hash"]}
    sign = f"/v1/signatures/{story.review()}/sign"
    stage.refused(lambda: story.as_(ANNA).post(sign, body), 409, "signature-lost")
    expect(revoke(stage), 202)
    stage.settle()
    story.sign(ANNA)
    agree_at_rest(stage)
    assert sweep(stage, "signing") == []


def test_a_signature_that_was_revoked_since_the_backup_does_not_come_back(stage: Stage) -> None:
    story = stage.released()
    story.sign(ANNA)
    old = backup_of(stage, "signing")
    expect(revoke(stage), 202)
    stage.settle()
    restore(stage, "signing", old)
    stage.settle()
    assert story.signer("employee")["state"] == "open"
    agree_at_rest(stage)
    story.sign(ANNA)
    agree_at_rest(stage)


def test_a_pending_signature_of_a_restored_signing_asks_again(stage: Stage) -> None:
    story = stage.released()
    expect(story.press_sign(ANNA), 202)
    old = backup_of(stage, "signing")
    stage.settle()
    restore(stage, "signing", old)
    stage.settle()
    assert story.signer("employee")["state"] == "signed"
    agree_at_rest(stage)
