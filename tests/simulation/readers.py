"""Who may read what, asked for over HTTP by everybody around a review and held against the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import AMY, DORA, HELEN, HUGO, KAI, MAX, MIRA, OLGA
from simulation.scene import BY_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    import httpx

    from harness.people import Person
    from simulation.ground import Ground
    from simulation.rules import Memory
    from simulation.sight import Row, Sight

    Ask = Callable[[Person, str], httpx.Response]

_DECISIVE = ("state", "epoch", "was_sent", "hidden_by", "manager_id", "snapshot_hash")
MANAGERS = (MAX, MIRA, DORA)
SEEN_BY_MANAGER = {"released", "with_manager"}
HIDDEN, AWAY = 404, 503


def decisive(sight: Sight, review_id: str) -> tuple[Any, ...]:
    """What decides who may read; while it is the same, so are the answers."""
    packet, review = sight.packet_rows.get(review_id, {}), sight.reviews[review_id]
    flags = tuple(sorted(sight.packets["flags"])), tuple(sorted(sight.assessment["flags"]))
    return (
        *(packet.get(name) for name in _DECISIVE),
        *(review[name] for name in ("manager_id", "self_state", "self_version", "manager_state", "manager_has_access")),
        *(review["manager_version"], flags),
    )


def misread(sight: Sight, review_id: str, ask: Ask, ground: Ground, memory: Memory, random: Random) -> list[str]:
    """Read everything as everybody and return each answer that should have been another one."""
    # Each is about other rows, and one of them at a time costs half as much.
    rules = (_packet_readers, random.choice((_nobody_below, _self_readers)))
    found = [wrong for rule in rules for wrong in rule(sight, review_id, ask, random)]
    return found + list(_employee_reads(sight, review_id, ask, ground, memory))


def _employee_reads(sight: Sight, review_id: str, ask: Ask, ground: Ground, memory: Memory) -> Iterator[str]:
    """S5, I1: the employee reads what is released, as it was chosen and nothing else, and never after it was hidden."""
    packet = sight.packet_rows.get(review_id)
    answer = ask(BY_ID[sight.reviews[review_id]["subject_id"]], f"/v1/packets/{review_id}")
    if sight.quarantined("packets"):
        if answer.status_code != AWAY:
            yield f"I1 {review_id}: the employee's read of a quarantined packet answered {answer.status_code}"
        return
    # What a command for many is going to take back is hidden before its turn comes.
    released = packet is not None and packet["state"] == "released" and packet["hidden_by"] is None
    if (answer.status_code == 200) != released:
        state = packet["state"] if packet else None
        yield f"I1 {review_id}: the employee's read answered {answer.status_code} while the packet is {state}"
    elif packet is not None and released:
        if packet["epoch"] <= memory.hidden.get(review_id, -1):
            yield f"S5 {review_id}: the employee reads epoch {packet['epoch']} after its unrelease was acknowledged"
        # A restored assessment may have lost the text; until packets has compared its rows it is still shown.
        lost = sight.quarantined("assessment") or sight.awaits("packets")
        yield from _shown(packet, answer.json(), ground, lost=lost)
    elif answer.status_code != HIDDEN:
        yield f"I1 {review_id}: the employee's read answered {answer.status_code}"


def _shown(packet: Row, body: Any, ground: Ground, *, lost: bool) -> Iterator[str]:
    review_id, version = packet["review_id"], packet["snapshot_manager_version"]
    content = ground.rows["assessment"].ask(
        "select answers from content where review_id = %s and side = 'manager' and version = %s", review_id, version
    )
    chosen = ground.rows["packets"].ask(
        "select question_ids from selections where cycle_id = %s and version = %s",
        packet["cycle_id"],
        packet["snapshot_selection_version"],
    )
    written = {one["question_id"]: one["value"] for one in content or ()}
    unknown = lost and content is None
    for question in body["questions"]:
        name = question["question_id"]
        if name not in (chosen or ()):
            yield f"I1 {review_id}: the employee reads {name}, which HR did not choose"
        elif not unknown and question["value"] != written.get(name):
            yield f"I1 {review_id}: the employee reads another answer to {name} than version {version} has"
    if packet["snapshot_rating_shown"] == "calibrated":
        shown = None if body["rating"] is None else str(body["rating"]["value"])
        if shown != packet["rating"]:
            yield f"I1 {review_id}: the employee reads the rating {shown}, calibrated is {packet['rating']}"
    elif packet["snapshot_rating_shown"] == "none" and body["rating"] is not None:
        yield f"I1 {review_id}: the employee reads a rating that is not shown"


def _packet_readers(sight: Sight, review_id: str, ask: Ask, random: Random) -> Iterator[str]:
    """The manager of record reads a packet that was sent; other managers, assistants and outsiders never do."""
    packet = sight.packet_rows.get(review_id, {"state": None, "manager_id": None, "was_sent": False, "hidden_by": None})
    manager = packet["manager_id"]
    others = [one for one in MANAGERS if one.id != manager]
    readers = [*([BY_ID[manager]] if manager else []), random.choice((*others, OLGA, AMY, KAI))]
    subject = sight.reviews[review_id]["subject_id"]
    for reader in readers:
        # HR sees more than a manager does.
        if reader.id == subject or reader in (HELEN, HUGO):
            continue
        sees = (reader.id == manager and packet["hidden_by"] is None) and (
            packet["state"] in SEEN_BY_MANAGER or (packet["state"] == "releasing" and packet["was_sent"])
        )
        answer = ask(reader, f"/v1/packets/{review_id}")
        told = reader is AMY and packet["state"] is not None
        expected = {200} if sees else {403} if told else {HIDDEN}
        expected = {AWAY} if sight.quarantined("packets") else expected
        if answer.status_code not in expected:
            yield f"I1 {review_id}: {reader.name} reads the packet ({packet['state']}) with {answer.status_code}"


def _nobody_below(sight: Sight, review_id: str, ask: Ask, random: Random) -> Iterator[str]:
    """The manager-assessment is the manager's, and HR's; to the employee and everybody else there is none."""
    review = sight.reviews[review_id]
    employee = BY_ID[review["subject_id"]]
    others = [one for one in (*MANAGERS, OLGA, KAI) if one.id != review["manager_id"]]
    for reader in (employee, random.choice(others)):
        answer = ask(reader, f"/v1/reviews/{review_id}/manager-assessment")
        expected = {AWAY} if sight.quarantined("assessment") else {HIDDEN}
        if answer.status_code not in expected:
            yield f"I1 {review_id}: {reader.name} reads the manager-assessment with {answer.status_code}"


def _self_readers(sight: Sight, review_id: str, ask: Ask, random: Random) -> Iterator[str]:
    """I2: the manager reads a self-assessment that is shared, as early as the cycle says; nobody else does."""
    review = sight.reviews[review_id]
    manager = review["manager_id"]
    shared = review["self_state"] == "shared" and (
        review["self_visibility"] == "on_share" or review["manager_has_access"]
    )
    others = [one for one in (*MANAGERS, OLGA, KAI, AMY) if one.id not in {manager, review["subject_id"]}]
    for reader in (*([BY_ID[manager]] if manager else []), random.choice(others)):
        answer = ask(reader, f"/v1/reviews/{review_id}/self-assessment")
        expected = {200} if reader.id == manager and shared else {403, HIDDEN}
        if answer.status_code not in ({AWAY} if sight.quarantined("assessment") else expected):
            yield (
                f"I2 {review_id}: {reader.name} reads the self-assessment ({review['self_state']}) "
                f"with {answer.status_code}"
            )
