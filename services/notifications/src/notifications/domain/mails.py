"""Which mails a piece of news calls for, and the key under which each goes out at most once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from notifications.domain.board import PacketPlace, SelfState
from notifications.domain.news import (
    ManagerSubmitted,
    PacketReleased,
    PacketUnreleased,
    ReleasedToManager,
    ReviewOpened,
    Role,
    SelfShared,
    SignatureCompleted,
    SignatureRevoked,
    SigningOpened,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from notifications.domain.board import Board
    from notifications.domain.ids import PersonId, ReviewId
    from notifications.domain.news import News


class Template(StrEnum):
    """Which mail it is."""

    KICK_OFF = "kick-off"
    SHARED = "shared"
    RELEASED_TO_MANAGER = "released-to-manager"
    RELEASED = "released"
    RELEASED_BY_HR = "released-by-hr"
    SIGNATURE_DUE = "signature-due"
    SIGNED = "signed"
    UNRELEASED = "unreleased"
    REVOKED = "revoked"


class Kind(StrEnum):
    """What a mail points to."""

    FORM = "form"
    SELF_ASSESSMENT = "self-assessment"
    PACKET = "packet"
    RELEASE = "release"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What its owner is asked at the moment of sending: may the recipient open it, and is it still as of `at`?

    `at` is the epoch of a packet or release, the version of a self-assessment, the fence of a signature; 0 for a form.
    """

    kind: Kind
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailKey:
    """At most one mail goes out under this key."""

    recipient_id: PersonId
    template: Template
    review_id: ReviewId
    occasion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailIntent:
    """A mail to be decided upon when it is sent. `question` None: it points to nothing that could be hidden.

    `occurred_at`: when the fact came about that calls for it.
    """

    key: MailKey
    question: Question | None
    occurred_at: datetime


# Whom, which, on what occasion, and what to ask at the moment of sending.
_Called: TypeAlias = "tuple[PersonId, Template, str, Question | None]"


def mails(before: Board | None, after: Board, news: News, *, occurred_at: datetime) -> tuple[MailIntent, ...]:
    """The mails that this news calls for, given the board before and after it; none if it told nothing new."""
    if after == before:
        return ()
    return tuple(
        MailIntent(
            key=MailKey(recipient_id=person_id, template=template, review_id=after.review_id, occasion=occasion),
            question=question,
            occurred_at=occurred_at,
        )
        for person_id, template, occasion, question in _called_for(before, after, news)
    )


def _called_for(before: Board | None, board: Board, news: News) -> Iterator[_Called]:
    match news:
        case ReviewOpened():
            yield board.subject_id, Template.KICK_OFF, board.cycle_id, Question(kind=Kind.FORM, at=0)
        case SelfShared() if board.self_visible:
            yield _shared(board)
        case ManagerSubmitted() if board.self_state is SelfState.SHARED and not (before and before.self_visible):
            yield _shared(board)
        case ReleasedToManager() | PacketReleased() | PacketUnreleased():
            yield from _for_packet(before, board, news)
        case SigningOpened() | SignatureCompleted() | SignatureRevoked():
            yield from _for_signatures(board, news)
        case _:
            pass


def _for_packet(
    before: Board | None, board: Board, news: ReleasedToManager | PacketReleased | PacketUnreleased
) -> Iterator[_Called]:
    occasion, question = str(news.epoch), Question(kind=Kind.PACKET, at=news.epoch)
    match news:
        case ReleasedToManager():
            yield board.manager_id, Template.RELEASED_TO_MANAGER, occasion, question
        case PacketReleased():
            yield board.subject_id, Template.RELEASED, occasion, question
            if news.by_hr and not (before and before.place is PacketPlace.MANAGER):
                # Past the manager, with whom it was not.
                yield board.manager_id, Template.RELEASED_BY_HR, occasion, Question(kind=Kind.RELEASE, at=news.epoch)
        case PacketUnreleased(was_released=True):
            yield board.subject_id, Template.UNRELEASED, occasion, None
            yield board.manager_id, Template.UNRELEASED, occasion, None
        case PacketUnreleased():
            pass


def _for_signatures(board: Board, news: SigningOpened | SignatureCompleted | SignatureRevoked) -> Iterator[_Called]:
    match news:
        case SigningOpened():
            for role in Role:
                if role in news.open_signers:
                    yield _about_signature(board.person(role), Template.SIGNATURE_DUE, role, board.fence(role))
        case SignatureCompleted():
            yield _about_signature(news.signer_id, Template.SIGNED, news.role, news.fence)
        case SignatureRevoked(had_signed=True):
            # The signer is told even where nothing can be opened any more.
            yield news.signer_id, Template.REVOKED, _occasion(news.role, news.fence), None
        case SignatureRevoked():
            pass


def _shared(board: Board) -> _Called:
    question = Question(kind=Kind.SELF_ASSESSMENT, at=board.self_version)
    return board.manager_id, Template.SHARED, str(board.self_version), question


def _about_signature(person_id: PersonId, template: Template, role: Role, fence: int) -> _Called:
    return person_id, template, _occasion(role, fence), Question(kind=Kind.SIGNATURE, at=fence)


def _occasion(role: Role, fence: int) -> str:
    return f"{role}:{fence}"
