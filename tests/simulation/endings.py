"""The end of a schedule: nothing goes wrong any more, time passes, and everything must come to rest as it should."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.observer import Written
from harness.people import HELEN, HUGO, SERVICES
from harness.verdict import Evidence, violations
from simulation import operators, turns
from simulation.play import Violation
from simulation.records import alarms, doubled, once, retold, unanswered, untold
from simulation.sight import HOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulation.play import Play
    from simulation.sight import Row, Sight

ROUNDS = 8
HOUR_S = 3_700
# What a restored service forgot it counts anew, and what it did since the backup has no end that it tells.
FORGOTTEN = {
    "assessment": (
        ": /assessment counted ",
        ": /assessment sent ",
        "answered fence",
        "while the release register was held",
    ),
    "packets": (": /packets counted ", ": /packets sent ", ": the release of epoch ", " was never asked for"),
    "signing": (": /signing counted ", ": /signing sent "),
    "notifications": (": /notifications counted ", ": /notifications sent ", ", it is suppressed"),
}
LETTERS_MAX = 50


def come_to_rest(s: Play) -> None:
    """Let everything work again and time pass until nothing moves any more."""
    system = s.system
    system.kill.disarm()
    system.broker.down = False
    system.down.clear()
    system.mails.mood = ""
    s.lagging = ""
    for name in SERVICES:
        while len(system.machines[name].relays) > 1:
            system.stop_relay(name)
    s.tell("-- nothing goes wrong any more --")
    for _ in range(ROUNDS):
        before = _moving(s.sight)
        _one_round(s)
        if _moving(s.sight) == before:
            break
    if _revoke_lost(s):
        _one_round(s)


def unrest(s: Play) -> list[str]:
    """Return everything that is not as it should be at rest."""
    return [*_left_over(s), *_agreement(s), *_told(s), *_unheard(s), *_boards(s), *_found_by_sweeps(s)]


def _one_round(s: Play) -> None:
    for name in SERVICES:
        if s.sight.quarantined(name):
            s.restored = name
            operators.move(s, name)
    s.judge()
    s.pass_time(HOUR_S)
    for _ in range(LETTERS_MAX):
        turns.settle(s)
        if operators.settle_letters(s) is None:
            break
        s.judge()
    for name in ("assessment", "packets", "signing", "notifications"):
        if not s.lost_facts:
            found = list(s.system.services[name].sweep())
            if found:
                raise Violation(f"E {name}: its sweep finds what nobody told it of, and no record was lost: {found}")
        for one in s.system.services[name].periodic:
            done = s.system.turn(name, one.name)
            if done:
                s.tell(f"{name} {one.name}: {done}")
        s.judge()
    turns.settle(s)


def _moving(sight: Sight) -> Any:
    return [
        {key: (row["row_version"], row.get("state")) for key, row in sight.of(name)["rows"].items()}
        | {"rest": (sight.of(name)["outbox"], sight.of(name)["flags"], sight.of(name)["letters"])}
        for name in SERVICES
    ]


def _revoke_lost(s: Play) -> int:
    """HR revokes what an alarm told of: signatures that a restored database has lost; return how many."""
    revoked = 0
    for review_id, record in sorted(s.sight.records.items()):
        review = s.sight.reviews.get(review_id)
        for prefix, name in HOLDERS.items():
            state = record[f"{name}_state"]
            if state == "lost":
                signer = "all" if name == "completion" else name
                who = HELEN if review is None or review["manager_id"] != HELEN.id else HUGO
                body = {"signer": signer, "reason": f"{prefix} was lost."}
                answer = s.session(who).post(f"/v1/signatures/{review_id}/revoke", body)
                s.tell(f"{who.name} revokes {name} of {review_id}: {answer.status_code}")
                turns.settle(s)
                revoked += 1
    return revoked


def _left_over(s: Play) -> Iterator[str]:
    """L: nothing waits anywhere: no command, no record, no job, no letter, no flag."""
    for name in SERVICES:
        seen = s.sight.of(name)
        for what in ("outbox", "stuck", "given_up", "letters", "flags"):
            if seen[what]:
                yield f"L {name}: at rest there is still {what} {seen[what]}"
        if s.system.machines[name].consumer._pending or s.system.machines[name].reading.waiting():
            yield f"L {name}: at rest records still wait"
    yield from _hanging(s)


def _hanging(s: Play) -> Iterator[str]:
    """L1, L2, L3: nobody waits for an answer, and what follows by itself has followed."""
    for review_id, row in s.sight.packet_rows.items():
        if row["state"] in {"releasing", "unreleasing"}:
            yield f"L1 {review_id}: the packet hangs in {row['state']}"
        if row["hidden_by"] is not None:
            yield f"L2 {review_id}: the packet stays hidden for an operation that is over"
    for each, row in [*s.sight.operations.items(), *s.sight.of("assessment")["operations"].items()]:
        if row["state"] not in {"planned", "completed", "cancelled"}:
            yield f"L2 the operation {each} hangs in {row['state']}"
    for review_id, row in s.sight.records.items():
        for name in HOLDERS.values():
            if row[f"{name}_state"] in {"pending", "revoking", "lost"}:
                yield f"L3 {review_id}: {name} hangs in {row[f'{name}_state']}"
        if _completion_is_due(row):
            yield f"L3 {review_id}: both have signed, and the completion was never tried"


def _completion_is_due(row: Row) -> bool:
    return (
        row["released"]
        and not (row["closed"] or row["cancelled"])
        and row["completion_state"] == "none"
        and row["tried_epoch"] < row["packet_epoch"]
        and all(row[f"{name}_state"] == "signed" and not row[f"{name}_stale"] for name in ("employee", "manager"))
    )


def _agreement(s: Play) -> Iterator[str]:
    """L4: a register is held if and only if what it is held for stands; and who knows of it knows the truth."""
    for review_id, review in s.sight.reviews.items():
        packet, record = s.sight.packet_rows.get(review_id), s.sight.records.get(review_id)
        released = packet is not None and packet["state"] == "released"
        if released != review["release_held"]:
            yield f"L4 {review_id}: released is {released}, its register held is {review['release_held']}"
        for prefix, name in HOLDERS.items():
            signed = record is not None and record[f"{name}_state"] == "signed"
            if signed != review[f"{prefix}_held"]:
                yield f"L4 {review_id}: {name} signed is {signed}, its register held is {review[f'{prefix}_held']}"
        if not review["started"]:
            continue
        if packet is None or record is None:
            yield f"L4 {review_id}: packets or signing have never heard of it"
            continue
        yield from _projections(review_id, review, packet, record)


def _projections(review_id: str, review: Row, packet: Row, record: Row) -> Iterator[str]:
    submitted = review["manager_state"] == "submitted"
    pairs = {
        "packets' submitted": (packet["submitted"], submitted),
        "packets' manager": (packet["manager_id"], review["manager_id"]),
        "packets' closed": (packet["closed"], review["cycle_closed"]),
        "packets' cancelled": (packet["cancelled"], review["cancelled"]),
        "signing's manager": (record["manager_id"], review["manager_id"]),
        "signing's closed": (record["closed"], review["cycle_closed"]),
        "signing's cancelled": (record["cancelled"], review["cancelled"]),
        "signing's released": (record["released"], packet["state"] == "released"),
    }
    if submitted:
        pairs["packets' manager version"] = (packet["manager_version"], review["manager_version"])
        pairs["packets' content"] = (packet["fetched_hash"], review["manager_hash"])
    for what, (known, true) in pairs.items():
        if known != true:
            yield f"L4 {review_id}: {what} is {known}, in truth it is {true}"


def _told(s: Play) -> Iterator[str]:
    """S6 to S8, N2, over everything that was sent."""
    yield from untold(s.sight, s.system.sent, s.system.lives, s.counted_before)
    yield from retold(s.sight, s.system.sent, s.counted_before)
    restored = {name for name, lives in s.system.lives.items() if lives}
    yield from doubled(s.system.sent, restored | s.forgot)
    if not restored:
        yield from alarms(s.system.sent)
    if not (s.lost_facts or "assessment" in s.forgot):
        yield from unanswered(s.system.sent)
    for wrong in violations(_evidence(s)):
        # Who was restored counts anew: `Order` watches the order of each of its lives.
        if not any(words in wrong for name in restored for words in (*FORGOTTEN[name], " came after ")):
            yield f"S {wrong}"


def _evidence(s: Play) -> Evidence:
    sight = s.sight
    both = sight.reviews.keys() & sight.packet_rows.keys() & sight.records.keys()
    records = [
        Written(
            topic=one.topic,
            partition=0,
            offset=number,
            written_ms=number,
            key=one.key,
            headers=one.headers,
            body=one.body,
        )
        for number, one in enumerate(once(s.system.sent))
        if one.key in both
    ]
    return Evidence(
        packets={key: sight.packet_rows[key] for key in both},
        reviews={key: sight.reviews[key] for key in both},
        signatures={key: sight.records[key] for key in both},
        boards=sight.notifications["rows"],
        records=records,
        deliveries=list(sight.notifications["deliveries"].values()),
        mails=Counter(s.post.counts),
    )


def _unheard(s: Play) -> Iterator[str]:
    """E: whoever subscribes to a type has applied every record of it that was sent."""
    for name in SERVICES:
        if s.lost_facts or name in s.forgot:
            continue
        known = set(s.system.ground.rows[name].ask("select coalesce(jsonb_agg(event_id), '[]') from inbox"))
        wanted = s.system.services[name].subscriptions
        missed = [one for one in once(s.system.sent) if one.type in wanted and one.id not in known]
        yield from (f"E {one.key}: {name} never applied {one.type} numbered {one.sequence}" for one in missed)


def _boards(s: Play) -> Iterator[str]:
    """E: notifications knows how everything stands, and who is told of it, also where facts were lost."""
    mails = {
        (row["review_id"], row["template"], row["recipient_id"], row["question_at"])
        for row in s.sight.notifications["deliveries"].values()
    }
    for review_id, board in s.sight.notifications["rows"].items():
        review, packet = s.sight.reviews.get(review_id), s.sight.packet_rows.get(review_id)
        if review is None or packet is None:
            continue
        for what, known, true in (
            ("manager", board["manager_id"], review["manager_id"]),
            ("submitted", board["manager_submitted"], review["manager_state"] == "submitted"),
            ("shared", board["self_state"] == "shared", review["self_state"] == "shared"),
            ("closed", board["closed"], review["cycle_closed"]),
            ("cancelled", board["cancelled"], review["cancelled"]),
            ("place", board["place"], _PLACES.get(packet["state"], "nobody")),
        ):
            if known != true:
                yield f"E {review_id}: notifications' {what} is {known}, in truth it is {true}"
        released = (review_id, "released", packet["subject_id"], packet["epoch"])
        if packet["state"] == "released" and released not in mails and not _before_silence(s, packet):
            yield f"E {review_id}: nobody was to be mailed of the release of epoch {packet['epoch']}"


def _before_silence(s: Play, packet: Row) -> bool:
    """Whether a packet was released before a restored notifications was moved: nobody knows who was mailed of that."""
    told = (
        datetime.fromisoformat(one.headers["ce_time"])
        for one in s.system.sent
        if one.type == "packet.released.v1" and one.key == packet["review_id"]
    )
    return s.silent_until is not None and max(told) <= s.silent_until


_PLACES = {"with_manager": "manager", "released": "employee"}


def _found_by_sweeps(s: Play) -> Iterator[str]:
    """L4: at rest a sweep finds nothing any more."""
    for name in ("packets", "signing", "notifications"):
        found = list(s.system.services[name].sweep())
        if found:
            yield f"L4 {name}: at rest the sweep finds {found}"
