"""A packet's history: which lines its steps add, how they are told, and which release corrected another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from packets.domain import answers, conversation, history, holds, rating, readiness, release, sweep
from packets.domain.history import Act, Entry, Kind, Outcome, correction, lives, moments
from packets.domain.ids import SnapshotHash
from packets.domain.packet import CalibrationState, Holder, Packet, PacketState, Part, ReleaseMode, preview_tag
from packets.domain.visibility import download, read
from unit.packets.packet_rows import EMPLOYEE, EMPTY, HANNA, HR, MANAGER, MAX, SOURCES, E, a_packet, sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from packets.domain.facts import Record

    Step = Callable[[Packet], tuple[Packet, tuple[Record, ...]]]

S = PacketState
ACT = Act(by=HANNA, reason="A typed reason.")
BEGAN = datetime(2026, 5, 1, tzinfo=UTC)


class Row:
    """A packet that is taken step by step, and the lines that these add."""

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.lines: list[Entry] = []
        self.steps = 0

    def take(self, step: Step, *, act: Act | None = None) -> Row:
        after, records = step(self.packet)
        self.steps += 1
        added = history.entries(after, records, first=10 * self.steps, act=act)
        self.lines += [replace(one, at=BEGAN + timedelta(days=self.steps)) for one in added]
        self.packet = after
        return self

    def release(self, who: object = HR) -> Row:
        return self.take(lambda p: release.release(p, who, previewed=preview_tag(p), has_reason=True), act=ACT)  # type: ignore[arg-type]

    def granted(self) -> Row:
        return self.take(lambda p: answers.granted(p, fence=holds.lock_fence(p.epoch), self_version=1))

    def rejected(self) -> Row:
        fence = holds.lock_fence(self.packet.epoch)
        return self.take(lambda p: answers.rejected(p, fence=fence, reason="content-changed", sources=SOURCES))

    def unrelease(self, *, revoke: bool = False) -> Row:
        return self.take(lambda p: release.unrelease(p, HR, has_reason=True, revoke_signatures=revoke), act=ACT)

    def unlocked(self) -> Row:
        fence = holds.unlock_fence(self.packet.epoch)
        return self.take(lambda p: answers.released(p, fence=fence, sources=SOURCES))

    def sent(self) -> Row:
        return self.take(lambda p: release.send_to_manager(p, HR), act=ACT)

    def told(self) -> list[tuple[int, str]]:
        return [(each.epoch, each.outcome.value) for each in lives(self.lines).releases]


def test_a_release_is_told_from_its_asking_to_its_unrelease() -> None:
    row = Row(a_packet(S.READY)).release().granted().unrelease(revoke=True).unlocked()
    (one,) = lives(row.lines).releases
    assert (one.epoch, one.outcome) == (E + 1, Outcome.UNRELEASED)
    assert one.asked is not None
    assert (one.asked.by, one.asked.part, one.asked.reason) == (HANNA, Part.HR_ADMIN, "A typed reason.")
    assert one.released is not None
    assert (one.released.at, one.released.reason) == (BEGAN + timedelta(days=2), None)
    assert one.ended is not None
    assert (one.ended.code, one.ended.by, one.ended.reason) == ("correction", HANNA, "A typed reason.")
    assert one.ended.revoke_signatures is True
    assert one.asked.snapshot_hash == one.released.snapshot_hash == one.ended.snapshot_hash is not None


def test_each_line_has_the_number_of_the_event_that_tells_it() -> None:
    row = Row(a_packet(S.READY)).release().granted().unrelease()
    assert [each.number for each in row.lines] == [10, 20, 30]
    # A rejection whose packet goes on is one line among several records.
    direct = Row(a_packet(S.WITH_MANAGER, release_mode=ReleaseMode.MANAGER_DIRECT)).release(MANAGER).granted()
    direct.unrelease().unlocked()
    assert [(each.kind, each.by) for each in direct.lines][-1] == (Kind.SENT, None)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (lambda row: row.release(), [(E + 1, "in-flight")]),
        (lambda row: row.release().granted(), [(E + 1, "released")]),
        (lambda row: row.release().rejected(), [(E + 1, "refused")]),
        (lambda row: row.release().unrelease(), [(E + 1, "cancelled")]),
        (lambda row: row.release().unrelease().granted().unlocked(), [(E + 1, "cancelled")]),
        (
            lambda row: row.release().rejected().release().granted().unrelease().unlocked().release(),
            [(E + 1, "refused"), (E + 2, "unreleased"), (E + 3, "in-flight")],
        ),
    ],
    ids=["asked", "granted", "rejected", "unreleased-in-flight", "late-grant", "again-and-again"],
)
def test_every_attempt_says_how_it_ended(steps: Callable[[Row], Row], told: list[tuple[int, str]]) -> None:
    assert steps(Row(a_packet(S.READY))).told() == told


def test_an_attempt_that_had_to_ask_again_is_superseded_by_the_next() -> None:
    row = Row(a_packet(S.READY)).release()
    fence = holds.lock_fence(row.packet.epoch)
    row.take(lambda p: answers.superseded(p, fence=fence, last_fence=20, sources=SOURCES)).granted()
    assert row.told() == [(E + 1, "superseded"), (11, "released")]


def test_a_restore_ends_the_release_that_stood_though_its_epoch_is_another() -> None:
    row = Row(a_packet(S.READY)).release().granted()
    row.take(lambda p: sweep.quarantine_jump(p, register_fence=0))
    (one,) = lives(row.lines).releases
    assert (one.epoch, one.outcome) == (E + 1, Outcome.UNRELEASED)
    assert one.ended is not None
    assert (one.ended.code, one.ended.by, one.ended.epoch) == ("restored", None, E + 1 + sweep.EPOCH_JUMP)


def test_a_hold_that_nobody_asked_for_is_told_as_well() -> None:
    found = sweep.RegisterRow(holder=Holder.RELEASE, fence=20, held=True)
    packet = a_packet(S.READY)
    row = Row(packet).take(lambda p: sweep._compare_register(p, found)[:2])
    (one,) = lives(row.lines).releases
    assert (one.epoch, one.outcome, one.asked, one.released) == (10, Outcome.UNRELEASED, None, None)


def test_a_stay_with_the_manager_ends_when_the_packet_is_taken_from_there() -> None:
    back = Row(a_packet(S.READY)).sent().unrelease()
    (stay,) = lives(back.lines).sendings
    assert stay.ended is not None
    assert (stay.sent.by, stay.ended.code, stay.ended.by, stay.ended.reason) == (
        HANNA,
        "unreleased",
        HANNA,
        "A typed reason.",
    )
    fallen = Row(a_packet(S.READY)).sent().take(lambda p: readiness.recompute(p, sources(EMPTY)))
    assert [one.ended and (one.ended.code, one.ended.by) for one in lives(fallen.lines).sendings] == [
        ("no-shared-questions", None)
    ]
    failed = Row(a_packet(S.READY)).sent().release(MANAGER).rejected()
    assert [one.ended for one in lives(failed.lines).sendings] == [None]
    released = failed.release(MANAGER).granted().unrelease()
    (stay,) = lives(released.lines).sendings
    assert stay.ended is not None
    assert stay.ended.kind is Kind.UNRELEASED


def test_conversations_and_overrides_are_told_with_who_and_why() -> None:
    row = Row(a_packet(S.READY, calibration=CalibrationState.STALE))
    row.take(lambda p: rating.override_calibration(p, HR, has_reason=True, sources=SOURCES), act=ACT)
    row.sent().take(lambda p: conversation.record_conversation(p, MANAGER), act=Act(by=MAX))
    found = lives(row.lines)
    assert [(one.by, one.reason, one.rating_version) for one in found.overrides] == [(HANNA, "A typed reason.", 1)]
    assert [(one.by, one.part) for one in found.conversations] == [(MAX, Part.MANAGER)]


@pytest.mark.parametrize(
    ("step", "packet", "made"),
    [
        (lambda p: release.send_to_manager(p, HR), a_packet(S.READY), ("sent_at",)),
        (lambda p: answers.granted(p, fence=2 * E, self_version=1), a_packet(S.RELEASING), ("released_at",)),
        (lambda p: answers.rejected(p, fence=2 * E, reason="cancelled", sources=SOURCES), a_packet(S.RELEASING), ()),
        (
            lambda p: answers.rejected(p, fence=2 * E, reason="cancelled", sources=SOURCES),
            a_packet(S.RELEASING, was_sent=True),
            (),
        ),
        (
            lambda p: answers.released(p, fence=2 * E + 1, sources=SOURCES),
            a_packet(S.UNRELEASING, release_mode=ReleaseMode.MANAGER_DIRECT),
            ("sent_at",),
        ),
        (lambda p: read(p, EMPLOYEE), a_packet(S.RELEASED), ("viewed_at",)),
        (lambda p: read(p, EMPLOYEE), a_packet(S.RELEASED, viewed_epoch=E), ()),
        (lambda p: download(p, EMPLOYEE), a_packet(S.RELEASED), ("viewed_at", "downloaded_at")),
        (lambda p: download(p, EMPLOYEE), a_packet(S.RELEASED, viewed_epoch=E, downloaded_epoch=E), ()),
        (lambda p: download(p, MANAGER), a_packet(S.RELEASED), ()),
        (lambda p: conversation.record_conversation(p, MANAGER), a_packet(S.RELEASED), ("conversation_at",)),
        (lambda p: release.unrelease(p, HR, has_reason=True), a_packet(S.RELEASED), ()),
    ],
    ids=[
        *("sent", "granted", "rejected", "rejected-to-manager", "back-at-the-manager", "first-read", "second-read"),
        *("download", "second-download", "managers-download", "conversation", "unreleased"),
    ],
)
def test_which_instants_a_step_makes_new(step: Step, packet: Packet, made: tuple[str, ...]) -> None:
    assert moments(packet, step(packet)[0]) == made


def released(*hashes: str) -> list[Entry]:
    return [
        Entry(number=number, kind=Kind.RELEASED, epoch=number, state=S.RELEASED, snapshot_hash=SnapshotHash(each))
        for number, each in enumerate(hashes, start=1)
    ]


@pytest.mark.parametrize(
    ("hashes", "pair"),
    [
        ("", None),
        ("a", None),
        ("aa", None),
        ("ab", (1, 2)),
        ("aab", (2, 3)),
        ("abb", (1, 2)),
        ("abba", (3, 4)),
        ("abc", (2, 3)),
    ],
)
def test_a_correction_is_the_newest_release_that_showed_something_else(
    hashes: str, pair: tuple[int, int] | None
) -> None:
    found = correction(released(*hashes))
    assert (found and (found[0].epoch, found[1].epoch)) == pair
