"""Nothing that people write, and no name, travels: canaries planted everywhere are in no record, log line or mail."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import structlog

from harness.pdfs import everything_in
from harness.people import ANNA, CAST, HELEN, KAI, MAX, MIRA, SERVICES
from harness.story import expect
from reviewbus import telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.journey import Stage
    from harness.stack import Smtp
    from harness.world import World

CANARY = "Kanarienvogel"
RATING, CALIBRATED, CHANGED = -937, -936, -935
SCALE = {"lowest": -938, "highest": -934, "labels": [f"{CANARY} {step}" for step in range(5)]}
# A rating is no part of a longer word, such as an id.
TELLING = re.compile(rf"{CANARY}|(?<!\w)-93[765](?!\w)")
# What the services keep for others than the author: never with a text in it.
KEPT_WITHOUT_TEXT = ("outbox", "inbox", "jobs", "idempotency", "dead_letter", "outbox_dead")
TEMPLATES = {
    "kick-off",
    "shared",
    "released-to-manager",
    "released",
    "signature-due",
    "signed",
    "unreleased",
    "revoked",
}
QUESTIONS: list[dict[str, Any]] = [
    {"question_id": "s-one", "text": f"{CANARY} asked", "help_text": f"{CANARY} help", "audience": "self",
     "kind": "text", "required": True},
    {"question_id": "m-one", "text": f"{CANARY} asked too", "audience": "manager", "kind": "text", "required": True},
    {"question_id": "m-pick", "text": f"{CANARY} which", "audience": "manager", "kind": "single_choice",
     "options": [{"id": "o-1", "text": f"{CANARY} option"}, {"id": "o-2", "text": "Another"}]},
    {"question_id": "m-rate", "text": f"{CANARY} how", "audience": "manager", "kind": "rating", "scale": SCALE},
]  # fmt: skip


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Give what is logged, as the services log it, other libraries' lines included."""
    buffer = io.StringIO()
    handler = logging.StreamHandler(buffer)
    logging.getLogger().addHandler(handler)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            telemetry._with_trace("every"),
            telemetry._refuse_content,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(file=buffer),
        cache_logger_on_first_use=False,
    )
    yield buffer
    structlog.reset_defaults()
    logging.getLogger().removeHandler(handler)


def test_canaries_travel_nowhere(mailing_stage: Stage, lines: io.StringIO, smtp: Smtp) -> None:
    stage = mailing_stage
    before = len(smtp.mails())
    tell_everything(stage)
    provoke_refusals(stage)
    stage.settle()
    found = [name for name, text in places(stage.world, lines, smtp, before) if TELLING.search(text)]
    assert found == []
    sent = [one for one in stage.deliveries(HELEN) if one["state"] == "sent"]
    assert {one["template"] for one in sent} == TEMPLATES
    assert len(sent) == len(smtp.mails()) - before
    assert lines.getvalue().count('"request"') > 40
    assert len(stage.world.broker.records()) > 40


def test_a_rating_that_was_a_text_when_it_was_shared_is_read_by_no_employee(own_stage: Stage) -> None:
    stage, story = own_stage, own_stage.story
    as_text: dict[str, Any] = {"question_id": "m-later", "text": "And then?", "audience": "manager", "kind": "text"}
    story.import_people()
    story.create_questionnaire([*QUESTIONS, as_text])
    story.create_cycle()
    story.add_participants(ANNA)
    stage.settle()
    story.select_questions(("m-one", "m-later"))
    story.create_questionnaire([*QUESTIONS, as_text | {"kind": "rating", "scale": SCALE}])
    path, body = f"/v1/cycles/{story.cycle_id}", {"questionnaire_id": story.questionnaire_id}
    expect(story.as_(HELEN).call("PATCH", path, json=body, headers={"If-Match": '"1"'}))
    story.start_cycle()
    story.save_manager(answers={"m-one": "<p>Done.</p>", "m-rate": RATING, "m-later": RATING})
    story.submit()
    calibrate(stage)
    story.send_to_manager()
    stage.settle()
    story.release()
    review = story.review()
    paths = [f"/v1/packets/{review}{rest}" for rest in ("", "/preview", "/actions", "/history", "/corrections")]
    paths += [f"/v1/reviews/{review}", f"/v1/reviews/{review}/manager-assessment", f"/v1/signatures/{review}/statement"]
    read = {path: story.as_(ANNA).get(path).text for path in paths} | {"pdf": everything_in(story.pdf(ANNA))}
    # The scale of the calibrated rating names its steps.
    assert [path for path, text in read.items() if re.search(rf'"value": ?{RATING}\b', text)] == []
    assert [one["question_id"] for one in json.loads(read[paths[0]])["questions"]] == ["m-one"]
    assert "And then?" not in read["pdf"]
    assert str(CALIBRATED) in read[paths[0]]


def places(world: World, lines: io.StringIO, smtp: Smtp, before: int) -> Iterator[tuple[str, str]]:
    """Yield what travels or lies where others look, with a name for it."""
    for record in world.broker.records():
        yield f"record {record.topic}", f"{record.key!r} {record.headers!r} {record.value!r}"
    for number, line in enumerate(lines.getvalue().splitlines()):
        yield f"log line {number}: {line[:200]}", line
    mails = smtp.mails()[before:]
    for mail in mails:
        # A mail names its recipient, and says where to look.
        text = mail.as_string().replace(own_name(str(mail["To"])), "")
        parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
        for part in parts:
            text += str(part).replace(own_name(str(mail["To"])), "")
        yield f"mail {mail['Subject']}", text
    for name in SERVICES:
        with world.service(name).db.engine.connect() as connection:
            tables = list(KEPT_WITHOUT_TEXT)
            if name == "notifications":
                tables += [table.name for table in world.service(name).metadata.sorted_tables]
            for table in tables:
                rows = connection.execute(sa.text(f"select t::text from {table} t")).scalars()  # noqa: S608 -- our own
                for row in rows:
                    yield f"{name}.{table}", row


def own_name(to: str) -> str:
    return to.partition(" <")[0].strip('"') or to


def tell_everything(stage: Stage) -> None:
    """Walk the whole way with a canary in everything that a person can write."""
    story = stage.story
    people = [dataclasses.replace(one, name=f"{CANARY} {one.name}") for one in CAST]
    story.import_people(people)
    story.create_questionnaire(QUESTIONS)
    story.create_cycle(instructions=f"<p>{CANARY} instructions</p>", name=f"{CANARY} cycle")
    story.add_participants(ANNA)
    story.start_cycle()
    review = f"/v1/reviews/{story.review()}"
    answers = {"answers": {"s-one": f"<p>{CANARY} self</p>"}}
    expect(story.as_(ANNA).put(f"{review}/self-assessment/backup", answers))
    story.save_self(answers=answers["answers"])
    story.share_self()
    stage.settle()
    expect(story.as_(MAX).get(f"{review}/self-assessment"))
    manager = {"m-one": f"<p>{CANARY} manager</p>", "m-pick": "o-1", "m-rate": RATING}
    expect(story.as_(MAX).put(f"{review}/manager-assessment/backup", {"answers": manager}))
    story.save_manager(answers=manager)
    story.submit()
    story.select_questions(("m-one", "m-pick"))
    calibrate(stage)
    reason = {"reason": f"{CANARY} reason"}
    expect(story.press_rating(CHANGED, reason=reason["reason"]))
    for person in (MIRA, MAX):
        expect(story.as_(HELEN).post(f"{review}/reassign", {"manager_id": person.id, **reason}))
    stage.settle()
    story.send_to_manager()
    stage.settle()
    story.release()
    assert CANARY in expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).text
    expect(story.as_(MAX).post(f"/v1/packets/{story.review()}/conversation-held"))
    assert story.pdf(ANNA).startswith(b"%PDF")
    story.sign(ANNA, comment=f"<p>{CANARY} comment</p>")
    story.sign(MAX)
    expect(story.as_(HELEN).post(f"/v1/signatures/{story.review()}/revoke", {"signer": "manager", **reason}))
    stage.settle()
    expect(story.as_(HELEN).post(f"/v1/packets/{story.review()}/unrelease", {**reason, "revoke_signatures": True}))
    stage.settle()
    expect(story.as_(HELEN).post(f"{review}/manager-assessment/reopen", reason))
    expect(story.as_(HELEN).post(f"/v1/cycles/{story.cycle_id}/close", reason))
    stage.settle()


def calibrate(stage: Stage) -> None:
    story = stage.story
    stage.settle()
    body = {"cycle_id": story.cycle_id, "review_ids": [story.review()], "members": [HELEN.id, KAI.id]}
    path = f"/v1/calibrations/{expect(story.as_(HELEN).post('/v1/calibrations', body)).json()['session_id']}"
    expect(story.as_(HELEN).post(f"{path}/start"))
    rated = {"rating": CALIBRATED, "justification": f"{CANARY} justification"}
    expect(story.as_(KAI).put(f"{path}/ratings/{story.review()}", rated, version=0))
    expect(story.as_(HELEN).post(f"{path}/complete"))
    stage.settle()


def provoke_refusals(stage: Stage) -> None:
    """Refused and malformed requests are logged as well."""
    story = stage.story
    review = f"/v1/reviews/{story.review()}"
    text = {"answers": {"s-one": f"<p>{CANARY} refused</p>"}}
    assert story.as_(ANNA).put(f"{review}/self-assessment", text, version=1).status_code == 409
    assert story.as_(ANNA).put(f"{review}/self-assessment", {CANARY: CANARY}, version=1).status_code == 422
    body = {"rating": CHANGED, "reason": f"{CANARY}\x00"}
    assert story.as_(HELEN).put(f"/v1/packets/{story.review()}/rating", body, version=1).status_code == 422
    sign = f"/v1/signatures/{story.review()}/sign"
    assert story.as_(ANNA).post(sign, {"comment": CANARY}).status_code == 422
