"""What people write: the bodies of their commands, mostly right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from harness.people import ANNA, BEN, CAST, HELEN, HUGO, KAI, MAX, MIRA, OLGA
from harness.story import QUESTIONS, SCALE, SHARED

if TYPE_CHECKING:
    from simulation.scene import Scene

GUIDELINE = [{"rating": 2, "percent": 33.3}, {"rating": 3, "percent": 66.7}]
TEXTS = ("<p>As agreed.</p>", "<p>Better than agreed.</p>", "<p>Later than agreed.</p>")
SELECTIONS = (SHARED, ("m-results",), ("m-growth", "m-results"), ("m-results", "m-growth", "m-private"), ())
# The last question is the rating; its scale names both ends and no step between.
TWO_LABELS = (*QUESTIONS[:-1], {**QUESTIONS[-1], "scale": {**SCALE, "labels": ["far below", "far above"]}})
LATER = (timedelta(seconds=1), timedelta(seconds=5), timedelta(minutes=5), timedelta(hours=1))


def self_answers(s: Scene) -> Any:
    """A self-assessment; now and then a required answer is missing."""
    answers = {"s-highlights": s.random.choice(TEXTS), "s-wishes": s.random.choice(TEXTS)}
    if s.chance(0.05):
        del answers["s-highlights"]
    return {"answers": answers}


def manager_answers(s: Scene) -> Any:
    """A manager-assessment; now and then with a rating that there is not."""
    answers: dict[str, Any] = {one: s.random.choice(TEXTS) for one in ("m-results", "m-growth", "m-private")}
    answers["m-rating"] = s.random.choice((3, 4)) if s.chance(0.97) else 9
    if s.packet.get("calibration") == "calibrated" and s.chance(0.7):
        answers.pop("m-private")
    return {"answers": answers}


def reason(s: Scene) -> Any:
    """A reason, mostly."""
    words = s.words()
    return {} if words is None else {"reason": words}


def people(s: Scene) -> Any:
    """An export of the directory in which somebody has moved."""
    moved = s.random.choice((HUGO, OLGA, KAI))
    below = s.random.choice((MAX, MIRA, ANNA if moved is not ANNA else MAX))
    row = {"person_id": moved.id, "name": moved.name, "email": moved.email, "manager_id": below.id}
    return {"people": [{**row, "active": moved is not OLGA or s.chance(0.7)}]}


def questionnaire(s: Scene) -> Any:
    """A questionnaire."""
    title = s.random.choice(("Yearly review", "Review"))
    return {"title": title, "questions": list(TWO_LABELS if title == "Review" else QUESTIONS)}


def cycle(s: Scene) -> Any:
    """A cycle."""
    return {
        "name": "Another one",
        "zone": "Europe/Berlin",
        "self_deadline": "2030-03-31",
        "manager_deadline": "2030-04-30",
        "questionnaire_id": s.random.choice(s.known.questionnaires or [s.known.questionnaire_id]),
        "calibration_required": s.chance(0.3),
    }


def cycle_change(s: Scene) -> Any:
    """What is to change of a cycle; after its start only the first is taken."""
    changes = (
        {"name": s.random.choice(("Another one", "The other one"))},
        {"questionnaire_id": s.random.choice(s.known.questionnaires or [s.known.questionnaire_id])},
        {"calibration_required": s.chance(0.5), "release_after_calibration": s.chance(0.3)},
        {"manager_deadline": s.random.choice(("2030-04-30", "2031-04-30"))},
    )
    return s.random.choice(changes)


def participants(s: Scene) -> Any:
    """Somebody to take part, and who reviews them; one is their own reviewer."""
    subject, manager = s.random.choice(((ANNA, MAX), (BEN, MIRA), (OLGA, MIRA), (MAX, MAX)))
    return {"participants": [{"subject_id": subject.id, "manager_id": manager.id}]}


def listed(s: Scene) -> Any:
    """A list of participants, as rows or as CSV; some of them cannot take part."""
    ids = s.random.sample([*(one.id for one in CAST), "p-nobody"], 3)
    rows: Any = {"participants": [{"subject_id": one} for one in ids]}
    return {**(rows if s.chance(0.6) else {"csv": "\n".join(["subject_id", *ids])}), "dry_run": s.chance(0.3)}


def removed(s: Scene) -> Any:
    """People who are to take part no more; some never did."""
    return {"subject_ids": [one.id for one in s.random.sample(CAST, 3)], "dry_run": s.chance(0.3)}


def reassigned(s: Scene) -> Any:
    """Another manager of record."""
    return {"manager_id": s.random.choice([MAX, MAX, MIRA, MIRA, *CAST[:4]]).id, "reason": s.words()}


def selected(s: Scene) -> Any:
    """The questions that are shared."""
    chosen = s.random.choice(SELECTIONS if s.chance(0.4) else SELECTIONS[:3])
    return {"question_ids": list(chosen), "rating": s.chance(0.7)}


def session(s: Scene) -> Any:
    """A calibration session over what can be calibrated."""
    rows = sorted(s.sight.packet_rows.items())
    free = [review_id for review_id, row in rows if row["calibration"] in {"pending", "stale"} and row["submitted"]]
    chosen = [s.review_id] if s.review_id in free or not free else free
    chosen = free if free and s.chance(0.3) else chosen
    cycle_id = s.packet.get("cycle_id", s.known.cycle_id)
    words = {"cycle_id": cycle_id, "review_ids": sorted(chosen), "members": [HELEN.id, KAI.id]}
    return {**words, "guideline": GUIDELINE} if len(chosen) > 1 else words


def rated(s: Scene) -> Any:
    """A rating within a session."""
    return {"rating": s.random.choice((2, 3)), "justification": s.words()}


def changed_rating(s: Scene) -> Any:
    """A rating changed afterwards."""
    return {"rating": s.random.choice((2, 3, 9) if s.chance(0.1) else (2, 3)), "reason": s.words()}


def unreleased(s: Scene) -> Any:
    """Why something is taken back, and whether its signatures go with it."""
    return {"reason": s.words(), "revoke_signatures": s.chance(0.4)}


def signed(s: Scene) -> Any:
    """A signature under the snapshot that is shown, or under an older one."""
    digest = s.record.get("snapshot_hash") or "sha256:" + "0" * 64
    seen = s.known.tags.setdefault(f"hash:{s.review_id}", [])
    if digest not in seen:
        seen.append(digest)
    named = s.random.choice(seen) if s.chance(0.1) else digest
    return {"statement_version": 1, "snapshot_hash": named, "comment": s.random.choice((None, None, "<p>Fine.</p>"))}


def release(s: Scene) -> Any:
    """Why a packet is released; now and then at an instant."""
    return {**reason(s), **_at(s, 0.1)}


def release_later(s: Scene) -> Any:
    """Why a packet is released, at an instant."""
    return {**reason(s), **_at(s, 1)}


def many(s: Scene) -> Any:
    """One command for many packets: some that are named, or all that a filter leaves."""
    rows = sorted(one for one, row in s.sight.reviews.items() if row["cycle_id"] == s.known.cycle_id)
    action = s.random.choice(("release-to-manager", "release", "release", "unrelease", "unrelease"))
    planned = s.chance(0.35)
    words = {"action": action, "dry_run": planned, **reason(s)}
    if action == "unrelease":
        words["revoke_signatures"] = s.chance(0.4)
    if action == "release" and not planned:
        words |= _at(s, 0.2)
    by_filter = {"filter": {"cycle_id": s.known.cycle_id}}
    return {**words, "selection": by_filter if s.chance(0.3) else {"review_ids": rows if s.chance(0.7) else rows[:1]}}


def many_reviews(s: Scene) -> Any:
    """One command for many reviews: the waiver of their self stage, its withdrawal, and seldom their end."""
    rows = sorted(one for one, row in s.sight.reviews.items() if row["cycle_id"] == s.known.cycle_id)
    action = s.random.choice(("waive", "waive", "unwaive", "unwaive")) + "-self-assessment"
    selection: Any = {"review_ids": rows if s.chance(0.7) else rows[:1]}
    if s.chance(0.4):
        selection = {"filter": {"cycle_id": s.known.cycle_id, "self_state": s.random.choice(("none", "waived"))}}
    return {
        "action": "cancel" if s.chance(0.05) else action,
        "selection": selection,
        "dry_run": s.chance(0.35),
        **reason(s),
    }


def applied(s: Scene) -> Any:
    """When a plan is carried out."""
    return _at(s, 0.2)


def _at(s: Scene, share: float) -> dict[str, str]:
    later = s.now + s.random.choice(LATER)
    return {"not_before": later.isoformat().replace("+00:00", "Z")} if s.chance(share) else {}
