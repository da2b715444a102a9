"""What the judge and the scheduler see: the rows of all four databases at one moment, by SQL of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.people import SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from simulation.ground import Ground

Row = dict[str, Any]
Rows = dict[str, Row]
HOLDERS = {"signature_employee": "employee", "signature_manager": "manager", "completion": "completion"}

_KEPT = {
    "assessment": {
        "rows": ("review", "review_id"),
        "cycles": ("cycle", "cycle_id"),
        "operations": ("operation", "operation_id"),
    },
    "packets": {
        "rows": ("packets", "review_id"),
        "sessions": ("calibration_sessions", "id"),
        "operations": ("operations", "id"),
    },
    "signing": {"rows": ("record", "review_id")},
    "notifications": {"rows": ("board", "review_id"), "deliveries": ("delivery", "delivery_id")},
}
_SCHEDULED = (
    "select jsonb_agg(distinct i.review_id) from operation_items i join operations o on o.id = i.operation_id "
    "where o.state = 'scheduled' and i.outcome in ('chosen', 'allowed')"
)
_COUNTS = """
'outbox', (select count(*) from outbox), 'stuck', (select count(*) from outbox_dead),
'due', coalesce((select jsonb_agg(kind order by id) from jobs where status = 'queued' and run_at <= %s
        and (lease is null or lease_until < %s)), '[]'),
'jobs', (select count(*) from jobs), 'given_up', (select count(*) from jobs where status = 'dead'),
'letters', coalesce((select jsonb_agg(id order by id) from dead_letter where status = 'dead'), '[]'),
'flags', coalesce((select jsonb_agg(name) from service_flag), '[]')
"""


def _statement(service: str) -> str:
    tables = [
        f"'{word}', coalesce((select jsonb_object_agg({key}, to_jsonb(t)) from {table} t), '{{}}')"  # noqa: S608 -- our own tables
        for word, (table, key) in _KEPT[service].items()
    ]
    if service == "assessment":
        tables.append("'backups', coalesce((select jsonb_agg(distinct review_id || ':' || side) from backup), '[]')")
    if service == "packets":
        tables.append(f"'scheduled', coalesce(({_SCHEDULED}), '[]')")
    return f"select json_build_object({', '.join([*tables, _COUNTS])})"


_STATEMENTS = {service: _statement(service) for service in SERVICES}


@dataclass(frozen=True, slots=True)
class Sight:
    """All that was seen at one moment; rows by their ids, as their tables have them."""

    assessment: Mapping[str, Any]
    packets: Mapping[str, Any]
    signing: Mapping[str, Any]
    notifications: Mapping[str, Any]

    def of(self, service: str) -> Mapping[str, Any]:
        """Everything of one service."""
        found: Mapping[str, Any] = getattr(self, service)
        return found

    @property
    def reviews(self) -> Rows:
        """Assessment's rows by review."""
        found: Rows = self.assessment["rows"]
        return found

    @property
    def packet_rows(self) -> Rows:
        """Packets' rows by review."""
        found: Rows = self.packets["rows"]
        return found

    @property
    def records(self) -> Rows:
        """Signing's rows by review."""
        found: Rows = self.signing["rows"]
        return found

    @property
    def operations(self) -> Rows:
        """Commands for many packets, by their ids."""
        found: Rows = self.packets["operations"]
        return found

    def quarantined(self, service: str) -> bool:
        """Whether a restored database still waits for its rows to be moved."""
        return "quarantine" in self.of(service)["flags"]

    def awaits(self, service: str) -> bool:
        """Whether a restored assessment still waits for this service to compare its rows."""
        return f"awaiting-sweep:{service}" in self.assessment["flags"]


def look(ground: Ground, now: datetime) -> Sight:
    """See everything as it is committed now."""
    return Sight(*(ground.rows[name].ask(_STATEMENTS[name], now, now) for name in SERVICES))
