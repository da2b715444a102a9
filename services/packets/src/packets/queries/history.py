"""A packet's releases as they were, and what one of them corrected of the one before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from packets import store
from packets.domain import history as domain
from packets.domain import redline
from packets.domain.ids import ContentHash, Rating
from packets.domain.packet import PacketState, Part, RatingShown, SnapshotRef
from packets.domain.redline import Shown
from packets.domain.tracking import Mark, marks
from packets.store.tables import snapshots
from reviewbus.richtext import plain_text, sanitise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from packets.domain.history import Entry, Release, Sending
    from packets.domain.packet import Packet
    from packets.store import Library
    from reviewbus.db import Tx

Words = dict[str, Any]
# Where one block ends, or another begins within it, the words of the next do not go on.
_BLOCK_EDGE = re.compile(r"</?(?:p|ul|ol|li|h3|h4|blockquote)>|<br ?/?>")
_LINES = re.compile(r"\s*\n\s*")
_ABSENT = "packet {} was released with a snapshot of what is not here"


def history(tx: Tx, packet: Packet) -> Words:
    """Every attempt to release and every stay with the manager, oldest first: who, when, why, what, and the end.

    Also each change of the rating after its session. What was said in a session its board tells, to its members only.
    """
    lines, whole = store.read_history(tx, packet.review_id)
    lives = domain.lives(lines)
    return {
        "review_id": packet.review_id,
        "state": packet.state.value,
        "epoch": packet.epoch,
        "complete": whole,
        "releases": [_release(each) for each in lives.releases],
        "sendings": [_sending(each) for each in lives.sendings],
        "conversations": [_line(each) for each in lives.conversations],
        "overrides": [_line(each) for each in lives.overrides],
        "ratings": [
            _rated(each)
            for each in store.rating_changes(tx, [packet.review_id]).get(packet.review_id, [])
            if each["session_id"] is None
        ],
    }


def corrections(tx: Tx, packet: Packet) -> Words:
    """What differs between the two newest snapshots that were released and differ; nothing if there are no two."""
    pair = domain.correction(store.released_lines(tx, packet.review_id))
    if pair is None:
        return {
            "review_id": packet.review_id,
            "before": None,
            "after": None,
            "questions": [],
            "rating": None,
        }
    library = store.Library(tx)
    (old, old_rating), (new, new_rating) = (_shown(tx, library, packet, line) for line in pair)
    change = redline.rating_change(old_rating, new_rating)
    return {
        "review_id": packet.review_id,
        "before": _point(pair[0]),
        "after": _point(pair[1]),
        "questions": [
            {
                "question_id": each.question_id,
                "text": each.asked,
                "kind": each.kind,
                "change": each.change.value,
                "words": [{"mark": run.mark.value, "text": run.text} for run in each.runs],
                "before": each.before,
                "after": each.after,
            }
            for each in redline.corrections(old, new)
        ],
        "rating": None if change is None else {"change": change.value, "before": old_rating, "after": new_rating},
    }


def told_beside(tx: Tx, packet: Packet, part: Part) -> Words:
    """What stands beside a packet and not in its snapshot: when it was corrected, when it was talked about."""
    return {"corrected_at": _corrected_at(tx, packet), "conversation_at": _conversation_at(tx, packet, part)}


def _corrected_at(tx: Tx, packet: Packet) -> datetime | None:
    # The first attempt to release corrects nothing; most packets have no second one.
    if packet.state is not PacketState.RELEASED or packet.epoch == 1:
        return None
    pair = domain.correction(store.released_lines(tx, packet.review_id))
    return pair[1].at if pair else None


def _conversation_at(tx: Tx, packet: Packet, part: Part) -> datetime | None:
    if part is Part.EMPLOYEE or Mark.CONVERSATION not in marks(packet):
        return None
    return store.moments_of(tx, packet.review_id)["conversation_at"]


def _shown(tx: Tx, library: Library, packet: Packet, line: Entry) -> tuple[list[Shown], int | None]:
    """The questions that a released snapshot showed, and its rating: never one of before calibration."""
    ref = _ref(tx, packet, line)
    content = library.content(packet.review_id, ref.manager_version)
    questionnaire = library.questionnaire(content.questionnaire) if content else None
    if content is None or questionnaire is None:
        raise AssertionError(_ABSENT.format(packet.review_id))
    asked = {each["question_id"]: each for each in questionnaire.questions}
    found = [
        _question(asked[each], content.answers.get(each, {}))
        for each in library.shown(packet, ref, questionnaire)
        if asked[each]["audience"] == "manager"
    ]
    return found, library.rating_value(packet.review_id, ref)


def _question(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Shown:
    is_text, value = asked["kind"] == "text", answer.get("value")
    return Shown(
        question_id=asked["question_id"],
        asked=asked["text"],
        kind=asked["kind"],
        answer_hash=answer.get("answer_hash"),
        text=_plain(value) if is_text and value else None,
        value=None if is_text else value,
    )


def _plain(html: str) -> str:
    return _LINES.sub("\n", plain_text(_BLOCK_EDGE.sub(lambda edge: f"{edge[0]}\n", sanitise(html))))


def _ref(tx: Tx, packet: Packet, line: Entry) -> SnapshotRef:
    # Whoever was the manager then: the same hash is the same content.
    row = tx.execute(
        sa.select(snapshots)
        .where(snapshots.c.review_id == packet.review_id, snapshots.c.hash == line.snapshot_hash)
        .limit(1)
    ).one()
    return SnapshotRef(
        manager_version=row.manager_version,
        content_hash=None if row.content_hash is None else ContentHash(row.content_hash),
        selection_version=row.selection_version,
        rating_shown=RatingShown(row.rating_shown),
        rating=None if row.rating is None else Rating(row.rating),
        rating_version=row.rating_version,
    )


def _point(line: Entry) -> Words:
    return {"epoch": line.epoch, "released_at": line.at, "snapshot_hash": line.snapshot_hash}


def _release(release: Release) -> Words:
    shown = release.asked or release.released or release.ended
    return {
        "epoch": release.epoch,
        "outcome": release.outcome.value,
        "snapshot_hash": shown.snapshot_hash if shown else None,
        "manager_version": shown.manager_version if shown else None,
        "selection_version": shown.selection_version if shown else None,
        "rating_version": shown.rating_version if shown else None,
        "asked": _line(release.asked),
        "released_at": release.released.at if release.released else None,
        "ended": _line(release.ended),
        "revoked_signatures": release.ended.revoke_signatures if release.ended else None,
    }


def _sending(sending: Sending) -> Words:
    return {
        "epoch": sending.sent.epoch,
        "snapshot_hash": sending.sent.snapshot_hash,
        "sent": _line(sending.sent),
        "ended": _line(sending.ended),
    }


def _rated(change: Mapping[str, Any]) -> Words:
    return {
        "at": change["changed_at"],
        "by": change["changed_by"],
        "by_role": change["changed_as"],
        "rating_version": change["rating_version"],
        "old": int(change["old"]),
        "new": int(change["new"]),
        "reason": change["justification"],
    }


def _line(line: Entry | None) -> Words | None:
    if line is None:
        return None
    return {
        "at": line.at,
        "by": line.by,
        "by_role": line.part.value if line.part else None,
        "code": line.code,
        "reason": line.reason,
        "operation_id": line.operation_id,
    }
