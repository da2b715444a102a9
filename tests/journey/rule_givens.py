"""The situations of the table of rules: Anna's review, whose manager of record is Max, told as far as each."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from harness.matrix_scenes import HANA, PEOPLE
from harness.people import ANNA, DORA, HELEN, KAI, MAX, MIRA, OLGA
from harness.story import MANAGER_ANSWERS, expect
from journey.rule_book import Given

if TYPE_CHECKING:
    from harness.journey import Stage
    from harness.people import Person
    from harness.story import Story

REASON = {"reason": "As the rule has it."}
OTHER_WORDS = {**MANAGER_ANSWERS, "m-results": "<p>In other words.</p>"}
OTHER_RATING = {**MANAGER_ANSWERS, "m-rating": 2}
# Anna with a token of HR: on the own review she is its employee, and nothing else.
ANNA_OF_HR = replace(ANNA, roles=("hr_admin",))
# The manager's manager, and people with no part in the review.
OUTSIDE = (OLGA, DORA, MIRA)
JUSTIFIED = {"rating": 3, "justification": "Compared with the level's guideline."}


@cache
def closed(given: Given) -> Given:
    """The same situation, in which HR has closed the cycle since."""

    def tell(stage: Stage) -> None:
        given.tell(stage)
        expect(stage.story.as_(HELEN).post(f"/v1/cycles/{stage.story.cycle_id}/close"))
        stage.settle()

    return Given(name=f"{given.name}, the cycle closed", tell=tell)


def begun(stage: Stage, **settings: object) -> Story:
    """The cycle has started, and its questions are selected."""
    stage.story.begin(people=PEOPLE, **settings)
    stage.story.select_questions()
    stage.settle()
    return stage.story


def drafted(stage: Stage) -> Story:
    story = begun(stage)
    backup = f"/v1/reviews/{story.review()}/self-assessment/backup"
    expect(story.as_(ANNA).put(backup, {"answers": {"s-wishes": "<p>A thought.</p>"}}))
    story.save_self()
    story.save_manager()
    stage.settle()
    return story


def waived(stage: Stage) -> None:
    story = begun(stage)
    expect(story.as_(HELEN).post(f"/v1/reviews/{story.review()}/self-assessment/waive", REASON))
    stage.settle()


def shared(stage: Stage) -> None:
    drafted(stage).share_self()
    stage.settle()


def without_self(stage: Stage) -> Story:
    """Calibrated, and the employee has not shared anything."""
    story = begun(stage)
    story.save_self()
    story.save_manager()
    story.submit()
    stage.settle()
    story.calibrate()
    stage.settle()
    return story


def with_self_draft(stage: Stage) -> None:
    story = without_self(stage)
    story.send_to_manager()
    story.release()


def not_selected(stage: Stage) -> None:
    story = stage.story
    story.begin(people=PEOPLE, calibration_required=False)
    story.written()
    stage.settle()


def not_fetched(stage: Stage) -> None:
    story = begun(stage, calibration_required=False)
    story.written()
    stage.relay("assessment")
    stage.consume("packets")


def submitted(stage: Stage, **settings: object) -> Story:
    return stage.submitted(people=PEOPLE, **settings)


def pending(stage: Stage, *members: Person, **settings: object) -> str:
    """A session that has not started; return its path."""
    story = submitted(stage, **settings)
    _create(story, *(members or (HELEN, KAI)))
    stage.settle()
    return f"/v1/calibrations/{story.session_id}"


def pending_without_text(stage: Stage) -> None:
    _create(begun(stage), HELEN, KAI)
    stage.settle()


def in_session(stage: Stage, *members: Person, **settings: object) -> str:
    path = pending(stage, *members, **settings)
    expect(stage.story.as_(HELEN).post(f"{path}/start"))
    stage.settle()
    return path


def rated(stage: Stage, **settings: object) -> str:
    path = in_session(stage, **settings)
    expect(stage.story.as_(KAI).put(f"{path}/ratings/{stage.story.review()}", JUSTIFIED, version=0))
    stage.settle()
    return path


def cancelled_session(stage: Stage) -> None:
    expect(stage.story.as_(HELEN).post(f"{in_session(stage)}/cancel"))
    stage.settle()


def reopened_in_session(stage: Stage) -> None:
    rated(stage)
    _reopen(stage)


def ready(stage: Stage, **settings: object) -> Story:
    story = stage.ready(people=PEOPLE, **settings)
    stage.settle()
    return story


def stale(stage: Stage) -> Story:
    ready(stage)
    return _edited(stage)


def stale_and_reopened(stage: Stage) -> None:
    stale(stage)
    _reopen(stage)


def recalibrating(stage: Stage) -> None:
    story = ready(stage)
    expect(story.as_(HELEN).post(f"/v1/calibrations/{story.session_id}/reopen"))
    stage.settle()


def overridden(stage: Stage) -> Story:
    story = submitted(stage)
    expect(story.as_(HELEN).post(f"/v1/packets/{story.review()}/override-calibration", REASON))
    stage.settle()
    return story


def manager_left(stage: Stage) -> None:
    story = ready(stage)
    left = {"person_id": MAX.id, "name": MAX.name, "email": MAX.email, "manager_id": MAX.manager, "active": False}
    expect(story.as_(HELEN).post("/v1/people/import", {"people": [left]}))
    stage.settle()


def with_manager(stage: Stage, **settings: object) -> Story:
    return stage.with_manager(people=PEOPLE, **settings)


def two_teams(stage: Stage) -> None:
    """Beside Anna's packet, which is with Max, there is Olga's review, whose manager is Mira."""
    story = stage.story
    story.begin(ANNA, OLGA, people=PEOPLE)
    story.select_questions()
    story.written()
    story.calibrate()
    story.send_to_manager()
    stage.settle()


def overridden_with_manager(stage: Stage) -> None:
    overridden(stage)
    stage.story.send_to_manager()
    stage.settle()


def recalled_after_edit(stage: Stage) -> None:
    with_manager(stage)
    _edited(stage)


def manager_direct(stage: Stage) -> None:
    story = begun(stage, release_mode="manager_direct", calibration_required=False)
    story.written()
    story.wait_for_packet("with_manager")
    stage.settle()


def scheduled(stage: Stage) -> None:
    expect(with_manager(stage).press_release(not_before="2030-01-01T00:00:00Z"), 202)
    stage.settle()


def scheduled_by_hr(stage: Stage) -> None:
    expect(with_manager(stage).press_release(by=HELEN, not_before="2030-01-01T00:00:00Z"), 202)
    stage.settle()


def reassigned_unheard(stage: Stage) -> None:
    story = with_manager(stage)
    path = f"/v1/reviews/{story.review()}/reassign"
    expect(story.as_(HELEN).post(path, {"manager_id": MIRA.id, **REASON}))


def releasing(stage: Stage) -> None:
    expect(with_manager(stage).press_release(), 202)


def bypassing(stage: Stage) -> None:
    expect(ready(stage).press_release(by=HELEN, reason=REASON["reason"]), 202)


def lock_granted(stage: Stage) -> None:
    """Assessment holds the review, and packets has not heard of it."""
    releasing(stage)
    stage.relay("packets")
    stage.consume("assessment")


def released(stage: Stage, **settings: object) -> Story:
    return stage.released(people=PEOPLE, **settings)


def unreleasing(stage: Stage) -> None:
    expect(released(stage).press_unrelease(), 202)


def taken_back(stage: Stage) -> Story:
    story = released(stage)
    story.unrelease()
    return story


def signed(stage: Stage) -> Story:
    story = released(stage)
    story.sign(ANNA)
    return story


def signature_alone(stage: Stage) -> Story:
    """HR took the packet back while a signature was on its way: the signature stands, the release does not."""
    story = released(stage)
    expect(story.press_sign(ANNA), 202)
    stage.relay("signing")
    stage.consume("assessment")
    expect(story.press_unrelease(), 202)
    stage.settle()
    return story


def revoked(stage: Stage) -> None:
    story = signature_alone(stage)
    expect(story.as_(HELEN).post(f"/v1/signatures/{story.review()}/revoke", {"signer": "all", **REASON}), 202)
    stage.settle()


def _create(story: Story, *members: Person) -> None:
    body = {"cycle_id": story.cycle_id, "review_ids": [story.review()], "members": [one.id for one in members]}
    story.session_id = expect(story.as_(HELEN).post("/v1/calibrations", body)).json()["session_id"]


def _edited(stage: Stage) -> Story:
    stage.story.save_manager(answers=OTHER_WORDS)
    stage.settle()
    return stage.story


def _reopen(stage: Stage) -> None:
    expect(stage.story.as_(HELEN).post(f"/v1/reviews/{stage.story.review()}/manager-assessment/reopen", REASON))
    stage.settle()


BEGUN = Given(name="nothing written", tell=begun)
DRAFTED = Given(name="both drafts saved", tell=drafted)
WAIVED = Given(name="self-assessment waived", tell=waived)
SHARED_SELF = Given(name="self-assessment shared", tell=shared)
NOT_SELECTED = Given(name="no question shared", tell=not_selected)
NOT_FETCHED = Given(name="submitted text on its way", tell=not_fetched, at_rest=False)
SUBMITTED = Given(name="submitted, calibration pending", tell=submitted)
PENDING = Given(name="session not started", tell=pending)
PENDING_WITHOUT_TEXT = Given(name="session over what is not submitted", tell=pending_without_text)
IN_SESSION = Given(name="in session, not rated", tell=in_session)
FAMILY = Given(name="in session with Anna and Hana as members", tell=lambda at: in_session(at, HELEN, KAI, ANNA, HANA))
RATED = Given(name="in session, rated", tell=rated)
GOING_OUT = Given(
    name="in session, rated, release after calibration", tell=lambda at: rated(at, release_after_calibration=True)
)
CANCELLED_SESSION = Given(name="session cancelled", tell=cancelled_session)
REOPENED_IN_SESSION = Given(name="in session, assessment reopened", tell=reopened_in_session)
RECALIBRATING = Given(name="session reopened", tell=recalibrating)
READY = Given(name="calibrated, packet ready", tell=ready)
READY_WITHOUT_SELF = Given(name="ready, self-assessment a draft", tell=without_self)
STALE = Given(name="calibration stale", tell=stale)
STALE_AND_REOPENED = Given(name="calibration stale, assessment reopened", tell=stale_and_reopened)
OVERRIDDEN = Given(name="calibration overridden", tell=overridden)
MANAGER_LEFT = Given(name="ready, its manager gone", tell=manager_left)
WITH_MANAGER = Given(name="with the manager", tell=with_manager)
OVERRIDDEN_WITH_MANAGER = Given(name="overridden, with the manager", tell=overridden_with_manager)
TWO_TEAMS = Given(name="two teams", tell=two_teams)
RECALLED = Given(name="edited while with the manager", tell=recalled_after_edit)
DIRECT = Given(name="manager_direct, with the manager", tell=manager_direct)
SCHEDULED = Given(name="release scheduled", tell=scheduled)
SCHEDULED_BY_HR = Given(name="release scheduled by HR", tell=scheduled_by_hr)
NEW_MANAGER = Given(name="reassigned, packets not told yet", tell=reassigned_unheard, at_rest=False)
RELEASING = Given(name="releasing", tell=releasing, at_rest=False)
BYPASSING = Given(name="releasing past the manager", tell=bypassing, at_rest=False)
LOCK_GRANTED = Given(name="locked, releasing", tell=lock_granted, at_rest=False)
RELEASED = Given(name="released", tell=released)
LATE_SELF = Given(name="released, self-assessment a draft", tell=with_self_draft)
UNRELEASING = Given(name="unreleasing", tell=unreleasing, at_rest=False)
TAKEN_BACK = Given(name="taken back", tell=taken_back)
SIGNED = Given(name="signed by Anna", tell=signed)
SIGNATURE_ALONE = Given(name="signed, not released", tell=signature_alone)
REVOKED = Given(name="signature revoked, not released", tell=revoked)
