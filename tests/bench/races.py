"""Employees who read without a pause while HR releases many packets and takes them back, again and again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import psycopg

from bench.crowd import multiply, sent_to_manager
from bench.figures import Figure
from harness.eventually import Polling
from harness.people import ANNA, HELEN, Person
from harness.story import Story, expect
from harness.system import APART, Pace, System

if TYPE_CHECKING:
    from pathlib import Path

    from harness.clients import Session
    from harness.stack import Stack

READS = 100_000
REVIEWS = 1_000
# The packets that are read: each reader has a share of them, and asks for one after the other.
READ = 120
READERS = 6
WAIT_S = 180.0
SHOWN_EVERY_S = 10.0


@dataclass(slots=True)
class Board:
    """What all readers share. `hidden`: the unrelease was answered, and nobody has asked for a release since.

    `turn` counts the releases that were asked for: a read during which one was may rightly show the new one.
    """

    hidden: bool = False
    turn: int = 0
    over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    reads: int = 0
    succeeded: int = 0
    began_hidden: int = 0
    wrong: int = 0
    broken: BaseException | None = None

    def count(self, *, began_hidden: bool, succeeded: bool) -> None:
        """Take in one read."""
        with self.lock:
            self.reads += 1
            self.succeeded += succeeded
            self.began_hidden += began_hidden
            self.wrong += began_hidden and succeeded


def racing(stack: Stack, folder: Path, reads: int = READS) -> list[Figure]:
    """Go on until so many reads were made; none that began after the answer to an unrelease may succeed.

    Raises:
        AssertionError: no read succeeded, or none began after an answer: then nothing raced.
        Exception: what ended a reader, an answer that is neither 200 nor 404 among them.
    """
    pace = Pace(sweep_every_s=3_600.0, reconcile_after_s=60.0)
    with System.on(stack, var_dir=folder / "system", verbs=APART, pace=pace) as system:
        story = sent_to_manager(system, WAIT_S)
        ids = multiply(system, story.review(), ANNA.id, REVIEWS)
        board, rounds = Board(), 0
        readers = [
            threading.Thread(target=_read, args=(story, ids, which, board), daemon=True) for which in range(READERS)
        ]
        _command(system, story, "release", "released", ids)
        for each in readers:
            each.start()
        shown = time.monotonic()
        while board.reads < reads:
            _command(system, story, "unrelease", "ready", ids, board)
            board.turn += 1
            board.hidden = False
            _command(system, story, "release", "released", ids)
            rounds += 1
            if board.broken:
                raise board.broken
            if time.monotonic() - shown > SHOWN_EVERY_S:
                shown = time.monotonic()
                print(f"      {board.reads:,} of {reads:,} reads in {rounds} rounds", flush=True)
        board.over = True
        for each in readers:
            each.join()
    assert board.succeeded, "no read succeeded"
    assert board.began_hidden, "no read began after an answer"
    name = "Reads racing the unrelease of many"
    return [
        Figure(name=f"{name}: made in {rounds} rounds", value=board.reads, unit=""),
        Figure(name=f"{name}: succeeded", value=board.succeeded, unit=""),
        Figure(name=f"{name}: began after the answer", value=board.began_hidden, unit=""),
        Figure(name=f"{name}: began after the answer and succeeded", value=board.wrong, unit="", bar=0),
    ]


def _read(story: Story, ids: list[str], which: int, board: Board) -> None:
    mine = [
        (story.as_(Person(id=f"p-crowd-{number + 1}", name="", email="")), ids[number])
        for number in range(which, READ, READERS)
    ]
    try:
        while not board.over:
            for session, review_id in mine:
                _once(session, review_id, board)
    except Exception as error:  # noqa: BLE001 -- whoever waits for the readers raises it
        board.broken = error


def _once(session: Session, review_id: str, board: Board) -> None:
    turn, hidden = board.turn, board.hidden
    answer = session.get(f"/v1/packets/{review_id}")
    if answer.status_code != httpx.codes.NOT_FOUND:
        expect(answer)
    # Where a release was asked for meanwhile, nobody knows which one it shows.
    board.count(began_hidden=hidden and turn == board.turn, succeeded=answer.is_success)


def _command(system: System, story: Story, action: str, state: str, ids: list[str], board: Board | None = None) -> None:
    """Order it for all, and wait until all are there; `board` is told of the answer."""
    selection = {"filter": {"cycle_id": story.cycle_id}}
    body = {"action": action, "selection": selection, "reason": "Measured."}
    expect(story.as_(HELEN).post("/v1/packets/bulk", body), 202)
    if board is not None:
        board.hidden = True
    url = system.database("packets").url.replace("+psycopg", "", 1)
    left = "select count(*) from packets where state <> %s and review_id = any(%s::uuid[])"
    with psycopg.connect(url, autocommit=True) as connection:
        Polling(WAIT_S)(lambda: connection.execute(left, (state, ids)).fetchone() == (0,))
