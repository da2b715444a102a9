"""Lies about what people asked for: releases that nobody wants any more, and commands for many packets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from faults.forgery import HELEN, REVIEW, first, is_call, is_told, time_of

if TYPE_CHECKING:
    from faults.forgery import Forgery

OPERATION = "o1"


def a_release_comes_again_after_the_unrelease_and_nobody_asked(made: Forgery) -> None:
    made.calls = [one for one in made.calls if one.key != "release-2" and one.act != "download"]


def a_release_that_waited_outlives_the_unrelease(made: Forgery) -> None:
    _asked_later(made, began=time_of(made, "unrelease") - 1, instant=time_of(made, "unrelease", end=True) + 1)


def a_release_that_waited_was_cancelled_and_comes(made: Forgery) -> None:
    over = time_of(made, "unrelease", end=True)
    _asked_later(made, began=over + 0.1, instant=over + 1)
    cancelled = made.call("cancel-later", HELEN, key="cancel-1", body={"state": "ready", "epoch": 1})
    made.calls[-1] = replace(cancelled, began=over + 0.3, ended=over + 0.4)


def a_release_comes_before_its_instant(made: Forgery) -> None:
    over = time_of(made, "unrelease", end=True)
    _asked_later(made, began=over + 0.1, instant=first(made, is_told("packet.released", epoch=2)).at + 5)


def a_read_succeeds_after_many_were_taken_back(made: Forgery) -> None:
    taken_back_with_others(made)
    seen = next(one for one in made.calls if one.act == "read" and one.ok)
    made.change(is_call("read", 404), status=200, body=seen.body)


def a_command_for_many_hangs(made: Forgery) -> None:
    taken_back_with_others(made)
    made.rows["packets"]["operations"][0]["state"] = "running"


def a_packet_of_many_is_forgotten(made: Forgery) -> None:
    taken_back_with_others(made)
    made.rows["packets"]["operation_items"][0]["outcome"] = "asked"


RELEASED_UNASKED = (
    a_release_comes_again_after_the_unrelease_and_nobody_asked,
    a_release_that_waited_outlives_the_unrelease,
    a_release_that_waited_was_cancelled_and_comes,
    a_release_comes_before_its_instant,
)


def taken_back_with_others(made: Forgery) -> None:
    """What was taken back alone was taken back by a command for many; no lie."""
    call = next(one for one in made.calls if one.act == "unrelease")
    told = first(made, is_told("packet.unreleased", epoch=1))
    sent = {"action": "unrelease", "selection": {"review_ids": [REVIEW]}}
    made.change(lambda one: one is call, act="bulk", review="", sent=sent, body={"operation_id": OPERATION})
    made.tell("/packets", "bulk-operation.started", review=OPERATION, cause=call.trace)
    entry = {"review_id": REVIEW, "number": told.number, "kind": "unreleased", "epoch": 1, "operation_id": OPERATION}
    made.rows["packets"] |= {
        "history": [entry],
        "operations": [{"id": OPERATION, "state": "completed"}],
        "operation_items": [{"operation_id": OPERATION, "review_id": REVIEW, "outcome": "done"}],
    }


def _asked_later(made: Forgery, *, began: float, instant: float) -> None:
    """The second release was asked for by a command that waits for an instant."""
    sent = {"not_before": datetime.fromtimestamp(instant, UTC).isoformat()}
    words = {"act": "later", "sent": sent, "body": {"state": "released", "epoch": 1}}
    pressed = next(one for one in made.calls if one.key == "release-2")
    made.change(lambda one: one is pressed, began=began, ended=began + 0.1, **words)
    # Of a document only the command that let it be read says which release it was of.
    made.calls = [one for one in made.calls if one.act != "download"]
