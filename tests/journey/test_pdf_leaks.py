"""What is not shared is in no PDF: a phrase for each text that must stay outside, looked for in all of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from component.packets.pdf_documents import a_document
from harness.pdfs import everything_in
from harness.people import ANNA, CAST, HELEN, KAI, MAX
from harness.story import expect
from packets.pdf import PdfAnswer
from packets.pdf_worker import draw

if TYPE_CHECKING:
    from harness.journey import Stage

# Of a scale that has no room for its steps, so that only the rating that counts is printed.
PROPOSED, CALIBRATED, LATER = -937, -936, -935
SCALE = {"lowest": -990, "highest": -900, "labels": []}
OUTSIDE = {
    "self question": "heron",
    "self help": "wombat",
    "self answer": "kestrel",
    "self backup": "otter",
    "unshared question": "narwhal",
    "unshared answer": "pangolin",
    "option not chosen": "quokka",
    "help text": "axolotl",
    "earlier version": "lynx",
    "justification": "marmot",
    "reason of the rating": "ibex",
    "reason of the override": "gecko",
    "instructions": "walrus",
    "comment": "jackal",
}
SHARED = ("albatross", "badger", "cormorant")
# What the cycle is called stands at the head.
CYCLE = "tapir"
QUESTIONS: list[dict[str, Any]] = [
    {"question_id": "s-one", "text": OUTSIDE["self question"], "help_text": OUTSIDE["self help"], "audience": "self",
     "kind": "text", "required": True},
    {"question_id": "m-one", "text": SHARED[0], "help_text": OUTSIDE["help text"], "audience": "manager",
     "kind": "text", "required": True},
    {"question_id": "m-pick", "text": "Which?", "audience": "manager", "kind": "single_choice",
     "options": [{"id": "o-1", "text": SHARED[1]}, {"id": "o-2", "text": OUTSIDE["option not chosen"]}]},
    {"question_id": "m-none", "text": OUTSIDE["unshared question"], "audience": "manager", "kind": "text"},
    {"question_id": "m-rate", "text": "Overall?", "audience": "manager", "kind": "rating", "scale": SCALE},
]  # fmt: skip


def test_what_is_not_shared_is_in_no_pdf_that_anybody_gets(own_stage: Stage) -> None:
    stage = own_stage
    until_it_is_ready(stage)
    # Nobody is expected to read it by now, so that it is rendered when somebody does.
    assert stage.story.as_(HELEN).get(f"/v1/packets/{stage.story.review()}/pdf").status_code == 202
    files = {"HR's draft": stage.story.pdf(HELEN)}
    stage.story.send_to_manager()
    stage.settle()
    files["the manager's draft"] = stage.story.pdf(MAX)
    stage.story.release()
    for person, name in ((ANNA, "the employee's"), (MAX, "the manager's"), (HELEN, "HR's")):
        files[name] = stage.story.pdf(person)
    stage.story.sign(ANNA, comment=f"<p>{OUTSIDE['comment']}</p>")
    files["the employee's after signing"] = stage.story.pdf(ANNA)
    assert {name: found(body) for name, body in files.items()} == {name: [] for name in files}
    for name, body in files.items():
        words = everything_in(body)
        for each in (*SHARED, CYCLE, str(LATER), "Anna Author"):
            assert each in words, (name, each)
        assert ("Draft, not released" in words) == ("draft" in name)


@pytest.mark.parametrize("place", ["text", "title", "bookmark", "link"])
def test_a_phrase_is_found_wherever_a_file_may_hold_it(place: str) -> None:
    canary = OUTSIDE["self answer"]
    answers = {
        "text": PdfAnswer(question="q", html=f"<p>{canary}</p>"),
        "bookmark": PdfAnswer(question=canary),
        "link": PdfAnswer(question="q", html=f"<a href=https://{canary}.example>x</a>"),
    }
    changes: dict[str, Any] = {"period": canary} if place == "title" else {"questions": (answers[place],)}
    assert found(draw(a_document(**changes))) == [canary]


def found(body: bytes) -> list[str]:
    """Return what a file holds of what it must not."""
    words = everything_in(body).lower()
    kept_back = [*OUTSIDE.values(), str(PROPOSED), str(CALIBRATED)]
    return [each for each in kept_back if each in words]


def until_it_is_ready(stage: Stage) -> None:
    """Walk to the ready packet, with a phrase of its own in each text that stays outside."""
    story = stage.story
    story.import_people(CAST)
    story.create_questionnaire(QUESTIONS)
    story.create_cycle(instructions=f"<p>{OUTSIDE['instructions']}</p>", name=CYCLE)
    story.add_participants(ANNA)
    story.start_cycle()
    review = f"/v1/reviews/{story.review()}"
    backup = {"answers": {"s-one": f"<p>{OUTSIDE['self backup']}</p>"}}
    expect(story.as_(ANNA).put(f"{review}/self-assessment/backup", backup))
    story.save_self(answers={"s-one": f"<p>{OUTSIDE['self answer']}</p>"})
    story.share_self()
    stage.settle()
    answers = {
        "m-one": f"<p>{OUTSIDE['earlier version']}</p>",
        "m-pick": "o-1",
        "m-none": f"<p>{OUTSIDE['unshared answer']}</p>",
        "m-rate": PROPOSED,
    }
    story.save_manager(answers=answers)
    story.submit()
    stage.settle()
    story.save_manager(answers={**answers, "m-one": f"<p>{SHARED[2]}</p>"})
    story.select_questions(("m-one", "m-pick"))
    stage.settle()
    override = {"reason": OUTSIDE["reason of the override"]}
    expect(story.as_(HELEN).post(f"/v1/packets/{story.review()}/override-calibration", override))
    body = {"cycle_id": story.cycle_id, "review_ids": [story.review()], "members": [HELEN.id, KAI.id]}
    session = expect(story.as_(HELEN).post("/v1/calibrations", body)).json()["session_id"]
    path = f"/v1/calibrations/{session}"
    expect(story.as_(HELEN).post(f"{path}/start"))
    rated = {"rating": CALIBRATED, "justification": OUTSIDE["justification"]}
    expect(story.as_(KAI).put(f"{path}/ratings/{story.review()}", rated, version=0))
    expect(story.as_(HELEN).post(f"{path}/complete"))
    stage.settle()
    expect(story.press_rating(LATER, reason=OUTSIDE["reason of the rating"]))
    stage.settle()
