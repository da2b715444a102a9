"""Cycles."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from assessment.api.edge import actor, after, settings
from assessment.commands import cycles as commands
from assessment.domain import closing
from assessment.domain.cycle import Cycle
from assessment.domain.ids import QuestionnaireId
from assessment.domain.review import CycleSettings, ReleaseMode, SelfVisibility
from assessment.queries import directory
from assessment.queries import progress as queries
from assessment.schemas import setup
from assessment.schemas.progress import Progress
from reviewbus import http
from reviewbus.http import Reply, Routes
from reviewbus.idempotency import Answer
from reviewbus.schema import Page, encode_cursor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from assessment.domain.ids import CycleId
    from assessment.store.cycles import StoredCycle
    from reviewbus.auth import Caller
    from reviewbus.db import Tx

routes = Routes("cycles", __name__, description="Cycles")


@routes.command("/v1/cycles", body=setup.CycleBody, answer=setup.CycleAck, status=201)
def create(tx: Tx, caller: Caller, body: dict[str, Any]) -> Answer:
    """Make a cycle."""
    wanted = _written(commands.new_cycle_id(tx), body)
    saved = commands.create(tx, actor(caller), wanted, name=body["name"], instructions=body["instructions"])
    return _acknowledged(saved, 201)


@routes.read("/v1/cycles", query=Page, answer=setup.CyclePage)
def list_cycles(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """List cycles, newest first."""
    begin = after(query["cursor"])
    items, ended = directory.list_cycles(tx, actor(caller), after=begin, limit=query["limit"])
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None}


@routes.read("/v1/cycles/<uuid:cycle_id>", answer=setup.Cycle)
def one_cycle(tx: Tx, caller: Caller, cycle_id: UUID) -> Reply:
    """Show a cycle."""
    item = directory.one_cycle(tx, actor(caller), str(cycle_id))
    return Reply(body=item, etag=str(item["row_version"]))


@routes.save("/v1/cycles/<uuid:cycle_id>", body=setup.CycleChange, answer=setup.Cycle, method="PATCH")
def change(tx: Tx, caller: Caller, body: dict[str, Any], cycle_id: UUID) -> Reply:
    """Change a cycle: all of it until it starts, then its name and instructions. Refused fields are named."""
    who, expected = actor(caller), http.if_match_version()
    stored = commands.load(tx, who, str(cycle_id))
    form = {**directory.cycle_form(stored), **body}
    commands.change(
        tx,
        who,
        stored,
        _written(stored.cycle.cycle_id, form),
        name=form["name"],
        instructions=form["instructions"],
        expected=expected,
    )
    item = directory.one_cycle(tx, who, str(cycle_id))
    return Reply(body=item, etag=str(item["row_version"]))


@routes.read("/v1/cycles/<uuid:cycle_id>/progress", answer=Progress)
def progress(tx: Tx, caller: Caller, cycle_id: UUID) -> Any:
    """Count how far the reviews of a cycle are: of all others for HR, of the own team for managers."""
    return queries.progress(tx, actor(caller), str(cycle_id))


@routes.command("/v1/cycles/<uuid:cycle_id>/start", answer=setup.CycleAck, status=202)
def start(tx: Tx, caller: Caller, cycle_id: UUID) -> Answer:
    """Start a cycle: its settings are frozen and its reviews are opened."""
    saved = commands.start(tx, actor(caller), str(cycle_id), chunk_rows=settings().chunk_rows)
    return _acknowledged(saved, 202)


@routes.command("/v1/cycles/<uuid:cycle_id>/close", body=setup.CloseBody, answer=setup.CloseAnswer, status=202)
@routes.alt_response(200, schema=setup.CloseAnswer, description="What closing would find")
def close(tx: Tx, caller: Caller, body: dict[str, Any], cycle_id: UUID) -> Answer:
    """Close a cycle: nothing in its reviews is written any more. Or, with dry_run, only say how far they are."""
    who, dry_run = actor(caller), body["dry_run"]
    if dry_run:
        stored, counted = commands.plan_close(tx, who, str(cycle_id))
    else:
        chunk_rows = settings().chunk_rows
        stored, counted = commands.close(tx, who, str(cycle_id), reason=body["reason"], chunk_rows=chunk_rows)
    answer = _acknowledged(stored, 200 if dry_run else 202)
    more = {"dry_run": dry_run, "reviews": asdict(counted), "warning": closing.WARNING}
    return replace(answer, acknowledgement={**answer.acknowledgement, **more})


def _written(cycle_id: CycleId, form: Mapping[str, Any]) -> Cycle:
    return Cycle(
        cycle_id=cycle_id,
        zone=form["zone"],
        self_until=form["self_deadline"],
        manager_until=form["manager_deadline"],
        settings=CycleSettings(
            release_mode=ReleaseMode(form["release_mode"]),
            calibration_required=form["calibration_required"],
            release_after_calibration=form["release_after_calibration"],
            recall_window_minutes=form["recall_window_minutes"],
            self_visibility=SelfVisibility(form["self_visibility"]),
            questionnaire_id=QuestionnaireId(form["questionnaire_id"]),
        ),
    )


def _acknowledged(saved: StoredCycle, status: int) -> Answer:
    cycle = saved.cycle
    told = {"cycle_id": cycle.cycle_id, "state": cycle.state.value, "row_version": saved.row_version}
    location = f"/v1/cycles/{cycle.cycle_id}"
    return Answer(status=status, acknowledgement=told, location=location, etag=str(saved.row_version))
