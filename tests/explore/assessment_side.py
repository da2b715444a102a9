"""Assessment's row of the review, and all that changes it: the domain's functions, called as the service calls them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assessment import events
from assessment.commands import holds as hold_commands
from assessment.domain import cycle, holds, ids, manager_assessment, reassignment, self_assessment
from assessment.domain.directory import RESTORED_VERSIONS
from assessment.domain.refusals import Refusal
from assessment.domain.review import CycleSettings, ReleaseMode, Review, SelfVisibility
from assessment.queries import internal
from assessment.store.reviews import Stored
from explore import bus, cast
from explore.side import Command, Moved, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explore.bus import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The review and the version of its row."""

    review: Review
    version: int


def first_row(*, calibration_required: bool, manager_direct: bool, hidden_self: bool) -> Row:
    """A review whose cycle has just begun."""
    settings = CycleSettings(
        release_mode=ReleaseMode.MANAGER_DIRECT if manager_direct else ReleaseMode.HR_GATED,
        calibration_required=calibration_required,
        self_visibility=SelfVisibility.AFTER_MANAGER_SUBMIT if hidden_self else SelfVisibility.ON_SHARE,
        questionnaire_id=ids.QuestionnaireId(cast.QUESTIONNAIRE[0]),
        questionnaire_version=cast.QUESTIONNAIRE[1],
        rating_question_ids=(ids.QuestionId(cast.RATING),),
    )
    review = Review(
        review_id=ids.ReviewId(cast.REVIEW_ID),
        cycle_id=ids.CycleId(cast.CYCLE_ID),
        subject_id=ids.PersonId(cast.EMPLOYEE),
        manager_id=ids.PersonId(cast.MANAGER),
        settings=settings,
        started=True,
    )
    return Row(review=review, version=1)


def state_item(row: Row) -> dict[str, Any]:
    """The row as other services' sweeps read it."""
    return internal._state(Stored(review=row.review, row_version=row.version, event_sequence=0, changed_at=cast.NOW))


def restored(row: Row) -> Row:
    """The row as a restore of the database leaves it: what `assessment.store.restored` does in SQL.

    Its version goes past what was told, those of its texts too unless a register is held over them.
    """
    review = row.review
    jumped = review if review.registers.held_by() else _texts_jumped(review)
    return Row(review=jumped, version=row.version + RESTORED_VERSIONS)


def fetchable(row: Row) -> tuple[Message, ...]:
    """What packets gets when it asks for the submitted version of this row."""
    review = row.review
    if review.manager_submitted_version is None or review.manager_hash is None:
        return ()
    return (bus.fetched(review.manager_submitted_version, review.manager_hash),)


def _texts_jumped(review: Review) -> Review:
    def jumped(number: int | None, current: int) -> int | None:
        return current + RESTORED_VERSIONS if number == current else number

    if review.self_version:
        review = replace(
            review,
            self_version=review.self_version + RESTORED_VERSIONS,
            self_shared_version=jumped(review.self_shared_version, review.self_version),
            self_read_version=jumped(review.self_read_version, review.self_version),
        )
    if review.manager_version:
        review = replace(
            review,
            manager_version=review.manager_version + RESTORED_VERSIONS,
            manager_submitted_version=jumped(review.manager_submitted_version, review.manager_version),
        )
    return review


def _kept(old: Row, review: Review, told: Sequence[Any]) -> Moved[Row]:
    """Save, then emit: the row's version grows if anything changed."""
    new = old if review == old.review else Row(review=review, version=old.version + 1)
    records = [
        bus.published("assessment", event)
        for event in events.of_review(told, new.review, version=new.version, last_sequence=0)
    ]
    if new.review.manager_submitted_version != old.review.manager_submitted_version:
        assert new.review.manager_submitted_version is not None
        assert new.review.manager_hash is not None
        records.append(bus.fetched(new.review.manager_submitted_version, new.review.manager_hash))
    return new, tuple(records)


def _hold_requested(row: Row, message: Message) -> Moved[Row]:
    command = hold_commands._command(message.received)
    return _kept(row, *holds.apply_hold(row.review, command))


def _act(change: Callable[[Review], tuple[Review, Sequence[Any]]]) -> Callable[[Row], Moved[Row]]:
    return lambda row: _kept(row, *change(row.review))


def _as(person_id: str, review: Review) -> Any:
    return cast.assessment_relation(person_id, review.manager_id)


def _manager(review: Review) -> Any:
    assert review.manager_id is not None
    return _as(review.manager_id, review)


def _edit(review: Review, by: Any, *, letter: str | None = None) -> tuple[Review, Sequence[Any]]:
    written = letter or cast.other(cast.letter_of(review.manager_hash)) if review.manager_hash else "A"
    return manager_assessment.save(
        review, by, expected=review.manager_version, now=cast.NOW, content_hash=cast.text_hash(written)
    )


def _write_self(review: Review) -> tuple[Review, Sequence[Any]]:
    return self_assessment.save(
        review,
        _as(cast.EMPLOYEE, review),
        expected=review.self_version,
        now=cast.NOW,
        content_hash=cast.self_hash(review.self_version + 1),
    )


def _reassign(review: Review, to: str) -> tuple[Review, Sequence[Any]]:
    return reassignment.reassign(
        review, _as(cast.HR, review), manager_id=ids.PersonId(to), reason_given=True, directory=cast.DIRECTORY
    )


COMMANDS: tuple[Command[Row], ...] = (
    Command("edit", "the manager edits", _act(lambda each: _edit(each, _manager(each)))),
    Command("edit-by-hr", "HR edits the manager's text", _act(lambda each: _edit(each, _as(cast.HR, each)))),
    Command(
        "submit",
        "the manager submits",
        _act(lambda each: manager_assessment.submit(each, _manager(each), now=cast.NOW, missing=())),
    ),
    Command(
        "reopen",
        "HR reopens the manager-assessment",
        _act(lambda each: manager_assessment.reopen(each, _as(cast.HR, each))),
    ),
    Command("write-self", "the employee writes", _act(_write_self)),
    Command(
        "share",
        "the employee shares",
        _act(lambda each: self_assessment.share(each, _as(cast.EMPLOYEE, each), now=cast.NOW, missing=())),
    ),
    Command(
        "unshare",
        "the employee takes the self-assessment back",
        _act(lambda each: self_assessment.unshare(each, _as(cast.EMPLOYEE, each), now=cast.NOW)),
    ),
    Command("waive", "HR waives the self stage", _act(lambda each: self_assessment.waive(each, _as(cast.HR, each)))),
    Command(
        "unwaive",
        "HR withdraws the waiver",
        _act(lambda each: self_assessment.unwaive(each, _as(cast.HR, each))),
    ),
    Command("reassign", "HR names the successor as manager", _act(lambda each: _reassign(each, cast.SUCCESSOR))),
    Command("reassign-back", "HR names the first manager again", _act(lambda each: _reassign(each, cast.MANAGER))),
    Command("cancel", "HR cancels the review", _act(lambda each: reassignment.cancel(each, _as(cast.HR, each)))),
    Command("close", "the cycle is closed", _act(cycle.close_review)),
)
SIDE = Side(
    name="assessment",
    commands=COMMANDS,
    handlers={"hold.requested.v1": _hold_requested},
    refusal=Refusal,
)
