"""What notifications asks of other services at the moment of sending: who is there, and who may open what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from notifications.domain.ids import DeliveryId, PersonId
from notifications.domain.mails import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from notifications.domain.delivery import Delivery
    from notifications.domain.mails import MailKey, Question
    from reviewbus.client import PeerClient

PEOPLE = "/internal/people"
VISIBILITY = "/internal/visibility"
OWNERS = {
    Kind.FORM: "assessment",
    Kind.SELF_ASSESSMENT: "assessment",
    Kind.PACKET: "packets",
    Kind.SIGNATURE: "signing",
}


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
