"""Questionnaires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.api.edge import actor, after
from assessment.commands import questionnaires as commands
from assessment.queries import directory
from assessment.schemas import setup
from reviewbus import http
from reviewbus.http import Reply, Routes
from reviewbus.idempotency import Answer
from reviewbus.schema import Page, encode_cursor

if TYPE_CHECKING:
    from uuid import UUID

    from reviewbus.auth import Caller
    from reviewbus.db import Tx

routes = Routes("questionnaires", __name__, description="What is asked")


@routes.command("/v1/questionnaires", body=setup.QuestionnaireBody, answer=setup.QuestionnaireMade, status=201)
def create(tx: Tx, caller: Caller, body: dict[str, Any]) -> Answer:
    """Make a questionnaire."""
    asked = commands.create(tx, actor(caller), **body).asked
    return Answer(
        status=201,
        acknowledgement={"questionnaire_id": asked.questionnaire_id, "version": asked.version},
        location=f"/v1/questionnaires/{asked.questionnaire_id}",
        etag=str(asked.version),
    )


@routes.read("/v1/questionnaires", query=Page, answer=setup.QuestionnairePage)
def list_questionnaires(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """List questionnaires, newest first."""
    begin = after(query["cursor"])
    items, ended = directory.list_questionnaires(tx, actor(caller), after=begin, limit=query["limit"])
    return {"items": items, "next_cursor": encode_cursor(ended) if ended else None}


@routes.read("/v1/questionnaires/<uuid:questionnaire_id>", answer=setup.Questionnaire)
def one_questionnaire(tx: Tx, caller: Caller, questionnaire_id: UUID) -> Reply:
    """Show the newest version of a questionnaire."""
    item = directory.one_questionnaire(tx, actor(caller), str(questionnaire_id))
    return Reply(body=item, etag=str(item["version"]))


@routes.save("/v1/questionnaires/<uuid:questionnaire_id>", body=setup.QuestionnaireBody, answer=setup.Questionnaire)
def change(tx: Tx, caller: Caller, body: dict[str, Any], questionnaire_id: UUID) -> Reply:
    """Change a questionnaire that no started cycle asks."""
    changed = commands.change(tx, actor(caller), str(questionnaire_id), expected=http.if_match_version(), **body)
    return Reply(body=directory.questionnaire_item(changed), etag=str(changed.asked.version))
