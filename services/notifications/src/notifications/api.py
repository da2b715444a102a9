"""The operations: parse, call a query, shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from notifications import queries, schemas
from notifications.domain.ids import PersonId
from notifications.domain.people import Actor
from reviewbus import http
from reviewbus.http import Routes
from reviewbus.schema import Empty, Page

if TYPE_CHECKING:
    from reviewbus.auth import Caller
    from reviewbus.db import Tx

PUBLIC_URL = "public_url"
routes = Routes("notifications", __name__)


@routes.read("/v1/tasks", answer=schemas.TaskList, query=Empty)
def list_tasks(tx: Tx, caller: Caller) -> Any:
    """List what the caller is to do, with links that open the forms, most urgent first."""
    return queries.tasks(tx, _actor(caller), public_url=http.edge().services[PUBLIC_URL])


@routes.read("/v1/deliveries", answer=schemas.DeliveryPage, query=schemas.DeliveriesQuery)
def list_deliveries(tx: Tx, caller: Caller, query: dict[str, Any]) -> Any:
    """List what became of mails: sent, suppressed or failed, with the reason, newest first."""
    return queries.deliveries(tx, _actor(caller), **query)


@routes.internal("/internal/states", answer=schemas.StatesPage, query=Page)
def list_states(tx: Tx, _caller: Caller, query: dict[str, Any]) -> Any:
    """List every review's outstanding tasks, in the order of review ids."""
    return queries.states(tx, **query)


@routes.internal("/internal/visibility", answer=schemas.VisibilityShape, body=schemas.VisibilityBody)
def tell_visibility(_tx: Tx, _caller: Caller, body: dict[str, Any]) -> Any:
    """Say of each item that it cannot be opened here: nothing that a mail points to belongs to this service."""
    return {"items": [{"allowed": False} for _ in body["items"]]}


def _actor(caller: Caller) -> Actor:
    return Actor(person_id=PersonId(caller.id), roles=caller.roles)
