"""N1 and N2: a mail goes out only for what its reader could open when that was decided, and never twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.verdict import mail_id

if TYPE_CHECKING:
    from simulation.ground import Ground
    from simulation.lines import Delivered

ANSWER_S_MAX = 5
_DELIVERIES = "select coalesce(jsonb_agg(to_jsonb(d)), '[]') from delivery d"
_PACKETS = "select coalesce(jsonb_object_agg(review_id, to_jsonb(p)), '{}') from packets p"
_REVIEWS = "select coalesce(jsonb_object_agg(review_id, to_jsonb(r)), '{}') from review r"


@dataclass(slots=True)
class Post:
    """Watches the questions that are asked before a mail, and the mails."""

    ground: Ground
    # By the service that was asked: its rows at the moment of its answer.
    asked: dict[str, tuple[datetime, dict[str, Any]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    # What went out before notifications was restored, and when that was: its rows do not know of all of it.
    before: set[str] = field(default_factory=set)
    restored_at: datetime | None = None
    wrong: list[str] = field(default_factory=list)

    def question(self, service: str, now: datetime) -> None:
        """Note what a service's rows say while it answers whether something may be opened."""
        statement = {"packets": _PACKETS, "assessment": _REVIEWS}.get(service)
        if statement is not None:
            self.asked[service] = (now, self.ground.rows[service].ask(statement))

    def mail(self, delivered: Delivered, now: datetime) -> None:
        """Judge a mail at the moment at which the server takes it."""
        name = delivered.message_id.strip("<>").partition("@")[0]
        self.counts[name] += 1
        row = next(
            (one for one in self.ground.rows["notifications"].ask(_DELIVERIES) if mail_id(_key(one)) == name), None
        )
        if self.counts[name] > 1 and not self._called_anew(name, row):
            self.wrong.append(f"N2 {delivered.subject!r} went to {delivered.to} a second time")
        if row is None:
            self.wrong.append(f"N1 {delivered.subject!r} went to {delivered.to}, and no row knows of it")
            return
        service = {
            "released": "packets",
            "released-by-hr": "packets",
            "released-to-manager": "packets",
            "shared": "assessment",
        }.get(row["template"])
        if service is None:
            return
        moment, rows = self.asked.get(service, (None, {}))
        if moment is None or (now - moment).total_seconds() > ANSWER_S_MAX:
            self.wrong.append(f"N1 {row['review_id']}: {row['template']} went out and nobody was asked")
        elif not _may_open(row, rows.get(row["review_id"])):
            self.wrong.append(f"N1 {row['review_id']}: {row['template']} for {row['occasion']} went out in vain")

    def restored(self, now: datetime) -> None:
        """Note that nobody knows any more which mails went out since the backup."""
        self.before |= self.counts.keys()
        self.restored_at = now

    def _called_anew(self, name: str, row: dict[str, Any] | None) -> bool:
        """Whether it is the first since a restore, and what calls for it came about after that."""
        if name not in self.before or row is None or self.restored_at is None:
            return False
        self.before.discard(name)
        # What its rows have forgotten is not held against them.
        self.counts[name] = 1
        return datetime.fromisoformat(row["occurred_at"]) > self.restored_at


def _key(row: dict[str, Any]) -> str:
    return ":".join(str(row[name]) for name in ("recipient_id", "template", "review_id", "occasion"))


def _may_open(delivery: dict[str, Any], row: dict[str, Any] | None) -> bool:
    if row is None:
        return False
    if row.get("hidden_by") is not None:
        return False
    reader, at = delivery["recipient_id"], delivery["question_at"]
    if delivery["template"] in {"released", "released-by-hr"}:
        return (row["state"], row["epoch"]) == ("released", at) and reader in {row["subject_id"], row["manager_id"]}
    if delivery["template"] == "released-to-manager":
        sent = row["state"] in {"with_manager", "released"} or (row["state"] == "releasing" and row["was_sent"])
        return bool(sent and reader == row["manager_id"])
    return (row["self_state"], row["self_version"], row["manager_id"]) == ("shared", at, reader)
