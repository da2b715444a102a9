"""Boards compared with the rows of those who know, when an owner is away, and after a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from component.notifications.notifications_desk import EMPLOYEE, MANAGER, REVIEW
from reviewbus.client import PeerRefused

if TYPE_CHECKING:
    from component.notifications.notifications_desk import Desk


def test_a_restored_board_is_brought_to_the_present_without_mails(desk: Desk) -> None:
    desk.sent_to_manager(0)
    desk.work()
    sent = desk.outcomes()
    row = {"review_id": REVIEW, "row_version": 9, "changed_at": desk.clock().isoformat()}
    desk.peers.states["packets"] = [{**row, "state": "released", "epoch": 1}]
    assert desk.service.move_restored() == 1
    desk.work()
    assert desk.tasks(MANAGER) == []
    assert desk.outcomes() == sent


def test_what_happens_while_a_restored_board_is_compared_is_left_to_its_fact(desk: Desk) -> None:
    desk.sent_to_manager(0)
    desk.work()
    sent = desk.outcomes()
    later = desk.clock().replace(year=desk.clock().year + 1)
    row = {"review_id": REVIEW, "row_version": 9, "changed_at": later.isoformat()}
    desk.peers.states["packets"] = [{**row, "state": "released", "epoch": 1}]
    assert desk.service.move_restored() == 0
    desk.clock.forward(minutes=1)
    desk.released(1)
    desk.work()
    assert desk.outcomes() == [*sent, f"sent released {EMPLOYEE}"]


def test_a_comparison_that_an_owner_does_not_answer_is_repeated(desk: Desk) -> None:
    desk.sent_to_manager(0)
    row = {"review_id": REVIEW, "row_version": 9, "changed_at": desk.clock().isoformat()}
    desk.peers.states["packets"] = [{**row, "state": "ready", "epoch": 0}]
    desk.clock.forward(hours=2)
    desk.peers.down.add("packets")
    with pytest.raises(PeerRefused):
        desk.periodic("sweep")
    assert desk.tasks(MANAGER) == ["release"]
    desk.peers.down.clear()
    assert desk.periodic("sweep") == 1
    assert desk.tasks(MANAGER) == []
