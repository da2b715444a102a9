from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from assessment.domain import cycle as cycles
from assessment.domain import facts
from assessment.domain.cycle import Cycle, CycleState, Participant
from assessment.domain.cycle_start import open_review, start
from assessment.domain.deadline import deadline_on
from assessment.domain.ids import CycleId, PersonId, QuestionId, QuestionnaireId, ReviewId
from assessment.domain.people import Actor
from assessment.domain.questionnaire import Audience, Question, QuestionKind, Questionnaire, Scale
from assessment.domain.refusals import Refusal
from assessment.domain.registers import Holder
from assessment.domain.review import CycleSettings, ManagerState, ReleaseMode, SelfState
from assessment.domain.visibility import Pointer, may_open
from harness.words import ADVICE
from unit.assessment.assessment_states import (
    BEFORE,
    EVE,
    HANNA,
    MANAGER_DEADLINE,
    MAX,
    SELF_DEADLINE,
    TOM,
    TOO_LATE,
    a_directory,
    a_person,
    a_review,
)

HR_ADMIN = Actor(person_id=HANNA, roles=frozenset({"hr_admin"}))
ASSISTANT = Actor(person_id=TOM, roles=frozenset({"hr_assistant"}))
NOBODY = Actor(person_id=TOM)
DIRECTORY = a_directory(boss=None, max="boss", eve="max", tom="eve", hanna="boss")
RATING = Question(
    question_id=QuestionId("rating"),
    kind=QuestionKind.RATING,
    audience=Audience.MANAGER,
    scale=Scale(lowest=1, highest=5),
)
QUESTIONNAIRE = Questionnaire(questionnaire_id=QuestionnaireId("n1"), version=7, questions=(RATING,))
CYCLE = Cycle(
    cycle_id=CycleId("c1"),
    zone="Europe/Berlin",
    self_until=date(2026, 3, 15),
    manager_until=date(2026, 4, 15),
    settings=CycleSettings(calibration_required=True, questionnaire_id=QuestionnaireId("n1")),
)
STARTED = replace(CYCLE, state=CycleState.STARTED)
CLOSED = replace(CYCLE, state=CycleState.CLOSED)
EVE_BY_MAX = Participant(subject_id=EVE, manager_id=MAX)


@pytest.mark.parametrize(
    ("local_date", "zone", "instant"),
    [
        (date(2026, 3, 15), "Europe/Berlin", datetime(2026, 3, 15, 23, tzinfo=UTC)),
        (date(2026, 3, 29), "Europe/Berlin", datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (date(2026, 12, 31), "Asia/Kolkata", datetime(2026, 12, 31, 18, 30, tzinfo=UTC)),
        # In Cairo this midnight is skipped: the day begins at one o'clock.
        (date(2026, 4, 23), "Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
        # In Samoa the next local day but one followed at once.
        (date(2011, 12, 29), "Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_a_deadline_is_the_start_of_the_next_local_day(local_date: date, zone: str, instant: datetime) -> None:
    deadline = deadline_on(local_date, zone)
    assert (deadline.local_date, deadline.zone, deadline.instant) == (local_date, zone, instant)
    assert deadline.passed(instant)
    assert not deadline.passed(instant - timedelta(microseconds=1))


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(Refusal, match="unknown-time-zone"):
        cycles.create(replace(CYCLE, zone=zone, self_until=None, manager_until=None), actor=HR_ADMIN)


def test_hr_and_assistants_make_cycles() -> None:
    for actor in (HR_ADMIN, ASSISTANT):
        assert cycles.create(CYCLE, actor=actor) == (CYCLE, (facts.CycleCreated(cycle_id=CYCLE.cycle_id),))
    with pytest.raises(Refusal, match="forbidden-role"):
        cycles.create(CYCLE, actor=NOBODY)


def add(*rows: Participant, cycle: Cycle = CYCLE, actor: Actor = ASSISTANT, **present: str) -> tuple[Participant, ...]:
    stored: dict[PersonId, PersonId | None] = {PersonId(k): PersonId(v) for k, v in present.items()}
    return cycles.add_participants(cycle, rows, actor=actor, present=stored, directory=DIRECTORY)


def test_a_participant_without_a_manager_gets_the_directorys() -> None:
    assert add(Participant(subject_id=EVE)) == (EVE_BY_MAX,)
    assert add(Participant(subject_id=PersonId("boss"))) == (Participant(subject_id=PersonId("boss")),)


def test_who_is_there_already_is_left_out_unless_the_manager_differs() -> None:
    assert add(EVE_BY_MAX, eve="max") == ()
    assert add(EVE_BY_MAX, actor=HR_ADMIN, eve="boss") == (EVE_BY_MAX,)


@pytest.mark.parametrize(
    ("rows", "code", "person_ids"),
    [
        ((Participant(subject_id=EVE, manager_id=EVE),), "reviewer-is-reviewee", ["eve"]),
        ((Participant(subject_id=PersonId("ghost")),), "unknown-participant", ["ghost"]),
        ((Participant(subject_id=EVE, manager_id=PersonId("ghost")),), "unknown-participant", ["ghost"]),
        ((Participant(subject_id=MAX, manager_id=TOM),), "reporting-line-loop", ["tom"]),
    ],
)
def test_people_who_cannot_take_part_are_refused(
    rows: tuple[Participant, ...], code: str, person_ids: list[str]
) -> None:
    with pytest.raises(Refusal) as caught:
        add(EVE_BY_MAX, *rows, actor=HR_ADMIN)
    assert caught.value.code == code
    assert caught.value.params == {"person_ids": person_ids}


@pytest.mark.parametrize(
    ("actor", "subject_id", "code"),
    [
        (replace(HR_ADMIN, person_id=TOM), TOM, "forbidden-role"),
        (replace(HR_ADMIN, person_id=TOM), EVE, "self-dealing"),
        (replace(ASSISTANT, person_id=TOM), PersonId("boss"), "self-dealing"),
        (replace(HR_ADMIN, person_id=PersonId("ghost")), EVE, "unknown-person"),
    ],
)
def test_nobody_chooses_the_manager_for_the_own_line_but_may_add_it_as_the_directory_has_it(
    actor: Actor, subject_id: PersonId, code: str
) -> None:
    with pytest.raises(Refusal, match=code):
        add(Participant(subject_id=subject_id, manager_id=HANNA), actor=actor)
    assert add(Participant(subject_id=subject_id), actor=actor)
    assert add(Participant(subject_id=subject_id, manager_id=DIRECTORY[subject_id].manager_id), actor=actor)


@pytest.mark.parametrize(
    ("cycle", "actor", "code"),
    [(STARTED, HR_ADMIN, "cycle-started"), (CLOSED, HR_ADMIN, "cycle-closed"), (CYCLE, NOBODY, "forbidden-role")],
)
def test_participants_are_added_before_the_start_by_hr_or_assistants(cycle: Cycle, actor: Actor, code: str) -> None:
    with pytest.raises(Refusal, match=code):
        add(EVE_BY_MAX, cycle=cycle, actor=actor)


def begin(cycle: Cycle = CYCLE, **inputs: object) -> Cycle:
    defaults: dict[str, object] = {
        "actor": HR_ADMIN,
        "questionnaire": QUESTIONNAIRE,
        "participants": (EVE_BY_MAX,),
        "directory": DIRECTORY,
        "now": BEFORE,
    }
    started, told = start(cycle, **{**defaults, **inputs})  # type: ignore[arg-type]
    assert told == (
        facts.CycleStarted(
            cycle_id=cycle.cycle_id, questionnaire_id=QUESTIONNAIRE.questionnaire_id, questionnaire_version=7
        ),
    )
    return started


def test_a_start_freezes_the_settings_and_opens_each_review_once() -> None:
    started = begin()
    assert started.state is CycleState.STARTED
    prepared = cycles.participant_review(ReviewId("r1"), CYCLE, EVE_BY_MAX)
    assert not prepared.started
    opened, told = open_review(prepared, started)
    assert (opened.started, opened.self_deadline, opened.manager_deadline) == (True, SELF_DEADLINE, MANAGER_DEADLINE)
    assert told == (
        facts.ReviewOpened(
            review_id=ReviewId("r1"),
            cycle_id=CYCLE.cycle_id,
            subject_id=EVE,
            manager_id=MAX,
            release_mode="hr_gated",
            calibration_required=True,
            recall_window_minutes=0,
            release_after_calibration=False,
            self_visibility="on_share",
            questionnaire_id=QuestionnaireId("n1"),
            questionnaire_version=7,
            rating_question_ids=(RATING.question_id,),
            self_deadline=SELF_DEADLINE,
            manager_deadline=MANAGER_DEADLINE,
        ),
    )
    assert open_review(opened, started) == (opened, ())


DIRECT = CycleSettings(release_mode=ReleaseMode.MANAGER_DIRECT, calibration_required=True)
LACKING: dict[str, tuple[Cycle, dict[str, object], list[dict[str, object]]]] = {
    "questionnaire": (CYCLE, {"questionnaire": None}, [{"code": "no-questionnaire"}]),
    "participants": (CYCLE, {"participants": ()}, [{"code": "no-participants"}]),
    "manager": (
        CYCLE,
        {"participants": (Participant(subject_id=EVE),)},
        [{"code": "missing-manager", "person_ids": ["eve"]}],
    ),
    "manager who has left": (
        CYCLE,
        {"directory": {**DIRECTORY, MAX: replace(DIRECTORY[MAX], active=False)}},
        [{"code": "manager-inactive", "person_ids": ["eve"]}],
    ),
    "people": (
        CYCLE,
        {"directory": {EVE: a_person("eve")}},
        [{"code": "unknown-participant", "person_ids": ["max"]}],
    ),
    "dates": (
        replace(CYCLE, self_until=None),
        {},
        [{"code": "deadline-missing", "side": "self"}],
    ),
    "time": (
        CYCLE,
        {"now": TOO_LATE},
        [{"code": "deadline-in-the-past", "side": "self"}, {"code": "deadline-in-the-past", "side": "manager"}],
    ),
    "order": (replace(CYCLE, manager_until=date(2026, 3, 14)), {}, [{"code": "deadlines-inconsistent"}]),
    "settings": (replace(CYCLE, settings=DIRECT), {}, [{"code": "calibration-without-hr"}]),
}


@pytest.mark.parametrize("what", LACKING)
def test_a_cycle_that_lacks_something_does_not_start_and_says_what(what: str) -> None:
    cycle, inputs, reasons = LACKING[what]
    with pytest.raises(Refusal) as caught:
        begin(cycle, **inputs)
    assert caught.value.code == "cycle-not-startable"
    told: list[dict[str, str]] = caught.value.params["reasons"]  # type: ignore[assignment]
    assert [{key: value for key, value in each.items() if key != "detail"} for each in told] == reasons
    assert [each["detail"] for each in told if not ADVICE.fullmatch(each["detail"])] == []


@pytest.mark.parametrize(
    ("cycle", "actor", "code"),
    [
        (CYCLE, ASSISTANT, "forbidden-role"),
        (STARTED, HR_ADMIN, "cycle-started"),
        (CLOSED, HR_ADMIN, "cycle-closed"),
    ],
)
def test_only_hr_starts_and_only_once(cycle: Cycle, actor: Actor, code: str) -> None:
    with pytest.raises(Refusal, match=code):
        begin(cycle, actor=actor)


def test_closing_flags_every_review_once_and_leaves_its_holds() -> None:
    closed, told = cycles.close(STARTED, actor=HR_ADMIN)
    assert closed.state is CycleState.CLOSED
    assert told == (facts.CycleClosed(cycle_id=CYCLE.cycle_id),)
    review = a_review(held=(Holder.RELEASE,))
    flagged, said = cycles.close_review(review)
    assert flagged == replace(review, cycle_closed=True)
    assert said == (facts.ReviewClosed(review_id=review.review_id, cycle_id=review.cycle_id),)
    assert cycles.close_review(flagged) == (flagged, ())


@pytest.mark.parametrize(
    ("cycle", "actor", "code"),
    [(STARTED, ASSISTANT, "forbidden-role"), (CYCLE, HR_ADMIN, "not-started"), (CLOSED, HR_ADMIN, "cycle-closed")],
)
def test_closing_is_refused(cycle: Cycle, actor: Actor, code: str) -> None:
    with pytest.raises(Refusal, match=code):
        cycles.close(cycle, actor=actor)


def test_a_mail_may_point_to_the_current_shared_version_only() -> None:
    shared = a_review(self_state=SelfState.SHARED)
    assert may_open(shared, MAX, Pointer.SELF_ASSESSMENT, at=2)
    assert not may_open(shared, MAX, Pointer.SELF_ASSESSMENT, at=1)
    assert not may_open(shared, TOM, Pointer.SELF_ASSESSMENT, at=2)
    assert not may_open(a_review(self_state=SelfState.DRAFT), MAX, Pointer.SELF_ASSESSMENT, at=2)
    assert may_open(a_review(self_state=SelfState.DRAFT), EVE, Pointer.SELF_ASSESSMENT, at=2)


def test_a_mail_may_point_to_a_form_while_the_review_goes_on() -> None:
    running = a_review(manager_state=ManagerState.NONE)
    assert may_open(running, EVE, Pointer.FORM, at=None)
    assert may_open(running, MAX, Pointer.FORM, at=None)
    assert not may_open(running, TOM, Pointer.FORM, at=None)
    for stopped in (
        replace(running, cancelled=True),
        replace(running, cycle_closed=True),
        replace(running, started=False),
    ):
        assert not may_open(stopped, EVE, Pointer.FORM, at=None)
