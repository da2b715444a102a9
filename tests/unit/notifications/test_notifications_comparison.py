"""Whatever facts were lost, the owners' rows bring a board to where the facts would have brought it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from notifications.domain import news as told
from notifications.domain.board import Board, PacketPlace, SelfState, new_board
from notifications.domain.comparison import (
    PacketRow,
    PacketState,
    ReviewRow,
    SignerRow,
    SigningRow,
    from_packet,
    from_review,
    from_signing,
)
from notifications.domain.following import follow
from notifications.domain.ids import CycleId, PersonId, ReviewId
from notifications.domain.mails import Template
from notifications.domain.news import About, Deadline, Role
from notifications.domain.tasks import tasks

if TYPE_CHECKING:
    from notifications.domain.news import News

E, M, N = PersonId("E"), PersonId("M"), PersonId("N")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DUE = Deadline(day=date(2026, 3, 14), zone="Europe/Prague", instant=datetime(2026, 3, 14, 23, tzinfo=UTC))
NEWEST = 100

boards = st.builds(
    Board,
    review_id=st.just(ReviewId("r")),
    cycle_id=st.just(CycleId("c")),
    subject_id=st.just(E),
    manager_id=st.sampled_from([M, N]),
    assessment_version=st.integers(0, NEWEST - 1),
    opened=st.booleans(),
    self_deadline=st.just(DUE),
    manager_deadline=st.just(DUE),
    self_state=st.sampled_from(SelfState),
    self_version=st.integers(1, 3),
    self_visible=st.booleans(),
    manager_submitted=st.booleans(),
    manager_reopened=st.booleans(),
    closed=st.booleans(),
    cancelled=st.booleans(),
    packets_version=st.integers(0, NEWEST - 1),
    place=st.sampled_from(PacketPlace),
    signing_version=st.integers(0, NEWEST - 1),
    open_signers=st.frozensets(st.sampled_from(Role)),
    employee_fence=st.integers(0, 6),
    manager_fence=st.integers(0, 6),
)
stages = st.sampled_from([(False, False), (True, False), (False, True)])
review_rows = st.builds(
    lambda manager_id, side, version, visible, stage, closed, cancelled: ReviewRow(
        about=About(
            review_id=ReviewId("r"), cycle_id=CycleId("c"), subject_id=E, manager_id=manager_id, version=NEWEST
        ),
        self_deadline=DUE,
        manager_deadline=DUE,
        self_state=side,
        self_version=version,
        self_visible=visible,
        manager_submitted=stage[0],
        manager_reopened=stage[1],
        closed=closed,
        cancelled=cancelled,
    ),
    st.sampled_from([M, N]),
    st.sampled_from(SelfState),
    st.integers(1, 3),
    st.booleans(),
    stages,
    st.booleans(),
    st.booleans(),
)
packet_rows = st.builds(
    PacketRow,
    review_id=st.just(ReviewId("r")),
    version=st.just(NEWEST),
    state=st.sampled_from(PacketState),
    epoch=st.integers(1, 3),
)
signing_rows = st.builds(
    lambda epoch, signers, employee, manager: SigningRow(
        review_id=ReviewId("r"),
        version=NEWEST,
        epoch=epoch,
        open_signers=frozenset(signers),
        signers=(
            SignerRow(role=Role.EMPLOYEE, fence=employee, signed=True, signer_id=E),
            SignerRow(role=Role.MANAGER, fence=manager, signed=False, signer_id=None),
        ),
    ),
    st.integers(1, 3),
    st.sets(st.sampled_from(Role)),
    st.integers(0, 9),
    st.integers(0, 9),
)


def taken_in(board: Board, news: list[News]) -> tuple[Board, list[Template]]:
    """Return the board after the news, and the mails that they called for."""
    called = []
    for one in news:
        followed = follow(board, one, occurred_at=NOW)
        board = followed.board
        called += [intent.key.template for intent in followed.mails]
    return board, called


@given(boards, review_rows)
def test_a_board_agrees_with_the_review_afterwards(board: Board, row: ReviewRow) -> None:
    after, _ = taken_in(board, list(from_review(board, row)))
    assert after.opened
    assert (after.manager_id, after.self_state) == (row.about.manager_id, row.self_state)
    assert after.self_state is not SelfState.SHARED or after.self_version == row.self_version
    assert after.manager_submitted == row.manager_submitted
    assert not row.manager_reopened or (after.manager_reopened and not after.manager_submitted)
    assert (after.closed, after.cancelled) == (row.closed, row.cancelled)
    assert list(from_review(after, row)) == []


@given(boards, packet_rows)
def test_a_board_agrees_with_the_packet_afterwards(board: Board, row: PacketRow) -> None:
    after, _ = taken_in(board, list(from_packet(board, row)))
    places = {PacketState.WITH_MANAGER: PacketPlace.MANAGER, PacketState.RELEASED: PacketPlace.EMPLOYEE}
    under_way = row.state is PacketState.RELEASING
    assert after.place is (board.place if under_way else places.get(row.state, PacketPlace.NOBODY))
    assert list(from_packet(after, row)) == []


@given(boards, signing_rows)
def test_a_board_agrees_with_the_signatures_afterwards(board: Board, row: SigningRow) -> None:
    after, _ = taken_in(board, list(from_signing(board, row)))
    assert after.open_signers == row.open_signers
    for one in row.signers:
        assert after.fence(one.role) == max(board.fence(one.role), one.fence)
    assert list(from_signing(after, row)) == []


@given(boards, review_rows, packet_rows, signing_rows)
def test_rows_older_than_what_the_board_was_told_change_nothing(
    board: Board, review: ReviewRow, packet: PacketRow, signing: SigningRow
) -> None:
    newer = replace(board, assessment_version=NEWEST + 1, packets_version=NEWEST + 1, signing_version=NEWEST + 1)
    told_again: list[News] = [*from_review(newer, review), *from_packet(newer, packet), *from_signing(newer, signing)]
    assert told_again == []


def test_a_board_that_heard_nothing_gets_its_tasks_and_calls_for_the_mails_of_where_it_is() -> None:
    whole = About(review_id=ReviewId("r"), cycle_id=CycleId("c"), subject_id=E, manager_id=M, version=9)
    review = ReviewRow(
        about=whole,
        self_deadline=DUE,
        manager_deadline=DUE,
        self_state=SelfState.SHARED,
        self_version=2,
        self_visible=True,
        manager_submitted=True,
        manager_reopened=False,
        closed=False,
        cancelled=False,
    )
    packet = PacketRow(review_id=ReviewId("r"), version=4, state=PacketState.WITH_MANAGER, epoch=0)
    blank = new_board(whole)
    news: list[News] = [*from_review(blank, review), *from_packet(blank, packet)]
    board, called = taken_in(blank, news)
    assert [one.key.kind.value for one in tasks(board)] == ["release"]
    assert called == [Template.KICK_OFF, Template.SHARED, Template.RELEASED_TO_MANAGER]


def test_a_manager_who_was_passed_over_is_told_also_where_no_fact_came() -> None:
    whole = About(review_id=ReviewId("r"), cycle_id=CycleId("c"), subject_id=E, manager_id=M, version=4)
    row = PacketRow(review_id=ReviewId("r"), version=4, state=PacketState.RELEASED, epoch=1, by_hr=True)
    _, called = taken_in(new_board(whole), list(from_packet(new_board(whole), row)))
    assert called == [Template.RELEASED, Template.RELEASED_BY_HR]


def test_a_fact_that_comes_after_all_calls_for_no_other_mail() -> None:
    whole = About(review_id=ReviewId("r"), cycle_id=CycleId("c"), subject_id=E, manager_id=M, version=4)
    row = PacketRow(review_id=ReviewId("r"), version=4, state=PacketState.RELEASED, epoch=1)
    blank = new_board(whole)
    board, called = taken_in(blank, list(from_packet(blank, row)))
    assert called == [Template.RELEASED]
    late = follow(board, told.PacketReleased(about=whole, epoch=1), occurred_at=NOW)
    assert (late.board, late.mails) == (board, ())
