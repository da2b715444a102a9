"""What notifications asks of other services at the moment of sending: who is there, and who may open what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from notifications.domain.board import SelfState
from notifications.domain.comparison import PacketRow, PacketState, ReviewRow, SignerRow, SigningRow
from notifications.domain.ids import CycleId, DeliveryId, PersonId, ReviewId
from notifications.domain.mails import Kind
from notifications.domain.news import About, Deadline, Role, past_the_manager

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from notifications.domain.delivery import Delivery
    from notifications.domain.mails import MailKey, Question
    from reviewbus.client import PeerClient

PEOPLE = "/internal/people"
VISIBILITY = "/internal/visibility"
STATES = "/internal/states"
Row = TypeVar("Row", ReviewRow, PacketRow, SigningRow)
OWNERS = {
    Kind.FORM: "assessment",
    Kind.SELF_ASSESSMENT: "assessment",
    Kind.PACKET: "packets",
    Kind.RELEASE: "packets",
    Kind.SIGNATURE: "signing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[Row]):
    """A row of another service, and when it last changed there."""

    row: Row
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody as the directory has them now."""

    name: str
    address: str
    active: bool
    language: str


def recipients(assessment: PeerClient, person_ids: Sequence[PersonId]) -> dict[PersonId, Recipient]:
    """Return those of these people that the directory has, at most 500.

    Raises:
        PeerUnavailable, PeerRefused: as the client does.
    """
    answer = assessment.post(PEOPLE, {"person_ids": sorted(set(person_ids))})
    return {PersonId(item["person_id"]): _recipient(item) for item in answer["items"]}


def allowed(clients: Mapping[str, PeerClient], deliveries: Sequence[Delivery]) -> dict[DeliveryId, bool]:
    """Ask each owner what its recipients may open now; return the answers of those that ask at all, at most 500.

    Raises:
        PeerUnavailable, PeerRefused: as the client does.
    """
    asked: dict[str, list[tuple[DeliveryId, dict[str, Any]]]] = defaultdict(list)
    for one in deliveries:
        question = one.intent.question
        if question is not None:
            asked[OWNERS[question.kind]].append((one.delivery_id, _item(one.intent.key, question)))
    answers: dict[DeliveryId, bool] = {}
    for owner, questions in asked.items():
        told = clients[owner].post(VISIBILITY, {"items": [item for _, item in questions]})["items"]
        answers |= {each: item["allowed"] for (each, _), item in zip(questions, told, strict=True)}
    return answers


def states(
    owner: PeerClient, cursor: str | None, limit: int, read: Callable[[Mapping[str, Any]], Row]
) -> tuple[list[Seen[Row]], str | None]:
    """Return a page of an owner's rows in the order of the reviews' ids, and the cursor of the next, if any.

    Raises:
        PeerUnavailable, PeerRefused: as the client does.
    """
    page = owner.get(STATES, {"cursor": cursor, "limit": limit})
    return [
        Seen(row=read(item), changed_at=datetime.fromisoformat(item["changed_at"])) for item in page["items"]
    ], page["next_cursor"]


def review_row(item: Mapping[str, Any]) -> ReviewRow:
    """Read one of assessment's rows."""
    shared = {"shared": SelfState.SHARED, "waived": SelfState.WAIVED}
    return ReviewRow(
        about=About(
            review_id=ReviewId(item["review_id"]),
            cycle_id=CycleId(item["cycle_id"]),
            subject_id=PersonId(item["subject_id"]),
            manager_id=PersonId(item["manager_id"]),
            version=item["row_version"],
        ),
        self_deadline=deadline(item["self_deadline"]),
        manager_deadline=deadline(item["manager_deadline"]),
        self_state=shared.get(item["self_state"], SelfState.UNSHARED),
        self_version=item["self_version"],
        self_visible=item["self_visible_to_manager"],
        manager_submitted=item["manager_state"] == "submitted",
        manager_reopened=item["manager_reopened"],
        closed=item["closed"],
        cancelled=item["cancelled"],
    )


def packet_row(item: Mapping[str, Any]) -> PacketRow:
    """Read one of packets' rows."""
    return PacketRow(
        review_id=ReviewId(item["review_id"]),
        version=item["row_version"],
        state=PacketState(item["state"]),
        epoch=item["epoch"],
        # Told only of what is released; by an older packets, of nothing.
        by_hr=past_the_manager(
            role=item.get("released_as"), by=item.get("released_by"), manager=item.get("manager_id")
        ),
    )


def signing_row(item: Mapping[str, Any]) -> SigningRow:
    """Read one of signing's rows."""
    return SigningRow(
        review_id=ReviewId(item["review_id"]),
        version=item["row_version"],
        epoch=item["packet_epoch"],
        open_signers=frozenset(Role(one) for one in item["open_signers"]),
        signers=tuple(_signer(role, item["registers"][f"signature:{role}"]) for role in Role),
    )


def deadline(told: Mapping[str, Any]) -> Deadline:
    """Read a deadline as others tell it."""
    return Deadline(
        day=date.fromisoformat(told["date"]), zone=told["zone"], instant=datetime.fromisoformat(told["instant"])
    )


def _signer(role: Role, register: Mapping[str, Any]) -> SignerRow:
    signed = register["state"] == "signed"
    return SignerRow(
        role=role,
        fence=register["fence"],
        signed=signed,
        signer_id=PersonId(register["person_id"]) if signed else None,
    )


def _item(key: MailKey, question: Question) -> dict[str, Any]:
    return {
        "person_id": key.recipient_id,
        "kind": question.kind.value,
        "review_id": key.review_id,
        "at": question.at,
    }


def _recipient(item: Mapping[str, Any]) -> Recipient:
    return Recipient(
        name=item["name"], address=item["email"] or "", active=item["active"], language=item["language"] or ""
    )
