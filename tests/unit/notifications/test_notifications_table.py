"""Which news creates and ends which task for whom, and which mails it calls for, as one table.

Each row stands after the story in brackets. Tasks are written `kind>person` with E the employee and M the manager;
`+` is put, `-` dropped. Mails are written `template>person occasion question`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.domain import news as told
from notifications.domain.board import Board, PacketPlace, SelfState
from notifications.domain.following import Followed, follow
from notifications.domain.ids import CycleId, PersonId, ReviewId
from notifications.domain.news import About, Deadline, News, Role
from notifications.domain.tasks import tasks

E, M, N = PersonId("E"), PersonId("M"), PersonId("N")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = Deadline(day=date(2026, 3, 14), zone="Europe/Prague", instant=datetime(2026, 3, 14, 23, tzinfo=UTC))
BOTH = frozenset(Role)


def about(version: int, manager_id: PersonId = M) -> About:
    return About(review_id=ReviewId("r"), cycle_id=CycleId("c"), subject_id=E, manager_id=manager_id, version=version)


def item(word: str, version: int) -> News:
    """The news that a word of the table stands for."""
    a = about(version)
    shared = {"self_version": 5, "visible_to_manager": True}
    items: dict[str, News] = {
        "opened": told.ReviewOpened(about=a, self_deadline=FIRST, manager_deadline=FIRST),
        "reassigned": told.ReviewReassigned(about=about(version, N)),
        "closed": told.ReviewClosed(about=a),
        "cancelled": told.ReviewCancelled(about=a),
        "shared": told.SelfShared(about=a, **shared),  # type: ignore[arg-type]
        "shared-hidden": told.SelfShared(about=a, self_version=5, visible_to_manager=False),
        "shared-again": told.SelfShared(about=a, self_version=6, visible_to_manager=True),
        "unshared": told.SelfUnshared(about=a),
        "waived": told.SelfWaived(about=a),
        "unwaived": told.SelfUnwaived(about=a),
        "submitted": told.ManagerSubmitted(about=a),
        "ma-reopened": told.ManagerReopened(about=a),
        "to-manager": told.ReleasedToManager(about=a, epoch=0),
        "withdrawn": told.PacketWithdrawn(about=a, epoch=0),
        "released": told.PacketReleased(about=a, epoch=1),
        "released-by-hr": told.PacketReleased(about=a, epoch=1, by_hr=True),
        "failed-back": told.ReleaseFailed(about=a, epoch=1, with_manager=True),
        "failed-away": told.ReleaseFailed(about=a, epoch=1, with_manager=False),
        "unreleased": told.PacketUnreleased(about=a, epoch=1, was_released=True),
        "unreleased-in-flight": told.PacketUnreleased(about=a, epoch=1, was_released=False),
        "open": told.SigningOpened(about=a, epoch=1, open_signers=BOTH),
        "open-employee": told.SigningOpened(about=a, epoch=1, open_signers=frozenset({Role.EMPLOYEE})),
        "signing-closed": told.SigningClosed(about=a),
        "signed-E": told.SignatureCompleted(about=a, role=Role.EMPLOYEE, signer_id=E, fence=2),
        "signed-M": told.SignatureCompleted(about=a, role=Role.MANAGER, signer_id=M, fence=2),
        "rejected-E": told.SignatureRejected(about=a, role=Role.EMPLOYEE, fence=2),
        "revoked-E": told.SignatureRevoked(about=a, role=Role.EMPLOYEE, signer_id=E, fence=3, had_signed=True),
        "revoked-pending-E": told.SignatureRevoked(about=a, role=Role.EMPLOYEE, signer_id=E, fence=3, had_signed=False),
    }
    return items[word]


# story before | the news | tasks | mails
TABLE = """
                                       | opened               | +self-assessment>E                      | kick-off>E c form:0
opened                                 | shared               | +manager-assessment>M -self-assessment>E | shared>M 5 self-assessment:5
opened                                 | shared-hidden        | +manager-assessment>M -self-assessment>E |
opened shared-hidden                   | submitted            | -manager-assessment>M                   | shared>M 5 self-assessment:5
opened shared                          | submitted            | -manager-assessment>M                   |
opened                                 | waived               | +manager-assessment>M -self-assessment>E |
opened waived                          | unwaived             | +self-assessment>E -manager-assessment>M |
opened shared                          | unshared             | +self-assessment>E -manager-assessment>M |
opened shared unshared                 | shared-again         | +manager-assessment>M -self-assessment>E | shared>M 6 self-assessment:6
opened shared submitted                | ma-reopened          | +manager-assessment>M                   |
opened shared submitted ma-reopened    | submitted            | -manager-assessment>M                   |
opened submitted ma-reopened           | unshared             |                                         |
opened shared submitted                | to-manager           | +release>M                              | released-to-manager>M 0 packet:0
opened shared submitted to-manager     | withdrawn            | -release>M                              |
opened shared submitted to-manager     | released             | -release>M                              | released>E 1 packet:1
opened shared submitted to-manager     | failed-back          |                                         |
opened shared submitted to-manager     | failed-away          | -release>M                              |
opened shared submitted to-manager     | reassigned           | +release>N -release>M                   |
opened shared                          | reassigned           | +manager-assessment>N -manager-assessment>M |
opened shared submitted                | released             |                                         | released>E 1 packet:1
opened shared submitted                | released-by-hr       |                                         | released>E 1 packet:1, released-by-hr>M 1 release:1
opened shared submitted to-manager     | released-by-hr       | -release>M                              | released>E 1 packet:1
opened shared submitted released       | open                 | +sign>E +sign>M                         | signature-due>E employee:0 signature:0, signature-due>M manager:0 signature:0
opened shared submitted released open  | signed-E             | -sign>E                                 | signed>E employee:2 signature:2
opened shared submitted released open signed-E | signed-M     | -sign>M                                 | signed>M manager:2 signature:2
opened shared submitted released open  | rejected-E           |                                         |
opened shared submitted released open  | signing-closed       | -sign>E -sign>M                         |
opened shared submitted released open signed-E | revoked-E    |                                         | revoked>E employee:3
opened shared submitted released open  | revoked-pending-E    |                                         |
opened shared submitted released open signed-E signed-M revoked-E | open-employee | +sign>E              | signature-due>E employee:3 signature:3
opened shared submitted released open  | unreleased           |                                         | unreleased>E 1, unreleased>M 1
opened shared submitted                | unreleased-in-flight |                                         |
opened shared submitted released open  | closed               | -sign>E -sign>M                         |
opened                                 | closed               | -self-assessment>E                      |
opened shared                          | cancelled            | -manager-assessment>M                   |
opened shared submitted to-manager     | closed               | -release>M                              |
"""  # noqa: E501 - a table is read in columns


def rows() -> list[tuple[str, str, str, str]]:
    return [
        (story, word, wanted, letters)
        for story, word, wanted, letters in (
            tuple(cell.strip() for cell in line.split("|")) for line in TABLE.strip("\n").splitlines()
        )
    ]


def after(story: str) -> tuple[Board | None, int]:
    board: Board | None = None
    version = 0
    for word in story.split():
        version += 1
        board = follow(board, item(word, version), occurred_at=NOW).board
    return board, version


def tasks_of(followed: Followed) -> str:
    put = sorted(f"+{task.key.kind}>{task.key.person_id}" for task in followed.tasks.put)
    drop = sorted(f"-{key.kind}>{key.person_id}" for key in followed.tasks.drop)
    return " ".join(put + drop)


def mails_of(followed: Followed) -> str:
    return ", ".join(
        f"{mail.key.template}>{mail.key.recipient_id} {mail.key.occasion}"
        + (f" {mail.question.kind}:{mail.question.at}" if mail.question else "")
        for mail in followed.mails
    )


@pytest.mark.parametrize(("story", "word", "wanted", "letters"), rows())
def test_news_changes_tasks_and_calls_for_mails_as_its_row_says(
    story: str, word: str, wanted: str, letters: str
) -> None:
    board, version = after(story)
    followed = follow(board, item(word, version + 1), occurred_at=NOW)
    assert tasks_of(followed) == wanted
    assert mails_of(followed) == letters
    assert all(mail.occurred_at == NOW for mail in followed.mails)


@pytest.mark.parametrize(("story", "word"), [row[:2] for row in rows()])
def test_news_told_again_changes_nothing(story: str, word: str) -> None:
    board, version = after(story)
    once = follow(board, item(word, version + 1), occurred_at=NOW)
    again = follow(once.board, item(word, version + 1), occurred_at=NOW + timedelta(days=1))
    assert again.board is once.board
    assert (again.tasks.put, again.tasks.drop, again.mails) == ((), (), ())


LATE = [
    ("opened shared", "opened"),
    ("opened shared submitted", "shared"),
    ("opened waived unwaived shared unshared", "shared"),
    ("opened shared submitted to-manager released unreleased", "released"),
    ("opened shared submitted to-manager withdrawn", "to-manager"),
    ("opened shared submitted released open signing-closed", "open"),
    ("opened shared submitted released open signed-E signed-M", "open"),
    ("opened shared reassigned", "shared"),
    ("opened closed", "opened"),
]


@pytest.mark.parametrize(("story", "word"), LATE)
def test_news_that_comes_late_brings_nothing_back_and_mails_nobody(story: str, word: str) -> None:
    board, _ = after(story)
    version = story.split().index(word) + 1
    followed = follow(board, item(word, version), occurred_at=NOW)
    assert followed.board is board
    assert (tasks_of(followed), followed.mails) == ("", ())


def test_a_review_heard_of_first_from_another_source_keeps_what_it_heard() -> None:
    first = follow(None, item("to-manager", 4), occurred_at=NOW)
    assert tasks_of(first) == "+release>M"
    second = follow(first.board, item("opened", 1), occurred_at=NOW)
    assert tasks_of(second) == "+self-assessment>E"


def test_only_assessment_says_who_the_manager_is() -> None:
    board, version = after("opened shared submitted reassigned to-manager")
    assert board is not None
    assert [task.key.person_id for task in tasks(board)] == [N]
    followed = follow(board, item("open", version + 1), occurred_at=NOW)
    assert [mail.key.recipient_id for mail in followed.mails] == [E, N]


WORDS = sorted({row[1] for row in rows()})
SOURCES = {"assessment": told.FromAssessment, "packets": told.FromPackets, "signing": told.FromSigning}


@dataclass(frozen=True)
class Told:
    """One fact with its place among its source's facts."""

    word: str
    version: int


@given(words=st.lists(st.sampled_from(WORDS), max_size=14), rounds=st.integers(1, 3), order=st.randoms())
def test_repeats_and_another_interleaving_of_the_sources_end_on_the_same_board(
    words: list[str], rounds: int, order: object
) -> None:
    queues: dict[str, list[Told]] = {"assessment": [], "packets": [], "signing": []}
    for word in words:
        source = next(name for name, kinds in SOURCES.items() if isinstance(item(word, 1), kinds))
        queues[source].append(Told(word=word, version=len(queues[source]) + 1))
    straight = delivered([fact for queue in queues.values() for fact in queue])
    shuffled: list[Told] = []
    waiting = {name: list(queue) for name, queue in queues.items()}
    while any(waiting.values()):
        name = order.choice([each for each, queue in waiting.items() if queue])  # type: ignore[attr-defined]
        shuffled.append(waiting[name].pop(0))
        for _ in range(rounds - 1):
            shuffled.append(order.choice(shuffled))  # type: ignore[attr-defined]
    assert delivered(shuffled) == straight


def delivered(facts: list[Told]) -> tuple[Board | None, tuple[object, ...]]:
    """The board at the end, and the tasks that the written changes add up to, which must be those of the board."""
    board: Board | None = None
    kept: dict[object, object] = {}
    for fact in facts:
        followed = follow(board, item(fact.word, fact.version), occurred_at=NOW)
        board = followed.board
        for task in followed.tasks.put:
            kept[task.key] = task
        for key in followed.tasks.drop:
            del kept[key]
        assert set(kept.values()) == set(tasks(board))
    return board, tasks(board)


def test_a_board_says_where_things_are() -> None:
    board, _ = after("opened shared submitted released")
    assert board is not None
    assert (board.self_state, board.place) == (SelfState.SHARED, PacketPlace.EMPLOYEE)
