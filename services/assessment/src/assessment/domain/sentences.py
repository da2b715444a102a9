"""What people are told of what is wrong within one request: a sentence to each code, and what to do about it."""

from __future__ import annotations

_SENTENCES = {
    # Why a cycle cannot start.
    "no-questionnaire": "The cycle has no questionnaire with questions: choose one for it.",
    "calibration-without-hr": "Packets that go to managers by themselves are not calibrated: choose one of the two.",
    "deadline-missing": "This side has no deadline: set one for it.",
    "deadline-in-the-past": "The deadline of this side is over: set a later one.",
    "deadlines-inconsistent": "The managers' deadline is before the employees': set it to the same day or later.",
    "no-participants": "Nobody takes part in the cycle: add participants.",
    "missing-manager": "These people have no manager: name one for each, or remove them.",
    "manager-inactive": "The managers of these people have left: name another for each, or remove them.",
    "unknown-participant": "The directory does not have these people: import them, or remove them.",
    # Why questions do not make a questionnaire.
    "duplicate-id": "Another question has the same id: give each its own.",
    "scale-missing": "A rating is given on a scale, and there is none: name its lowest and its highest number.",
    "scale-empty": "The scale has no second step: its highest number must be above its lowest.",
    "scale-too-long": "The scale has too many steps: use a hundred at most.",
    "options-missing": "A choice needs two different options at least: name two or more.",
    "unused": "Only a rating has a scale, and only a choice has options: leave them out here, or change the kind.",
    # Why answers do not fit.
    "unknown-question": "This side is asked no such question: leave the answer out.",
    "wrong-kind": "The answer is not of the question's kind: a rating is a whole number, anything else is text.",
    "not-on-scale": "The number is not on the question's scale: choose one from its lowest to its highest.",
    "not-an-option": "The question has no such option: choose one of those it has.",
    # Why a row of the directory is left out.
    "duplicate-external-id": "The list names this person more than once: keep one of the rows.",
    "duplicate-person-id": "The list names this person more than once: keep one of the rows.",
    "person-id-changed": "The person is known by another id: send that one.",
    "person-id-taken": "Somebody else has this id: give each person their own.",
    "unknown-manager": "The manager is neither in the directory nor in the list: import them as well, or name another.",
}


def told(code: str, **about: object) -> dict[str, object]:
    """Return a reason as it is answered: its code, its sentence, and what it is about."""
    return {"code": code, "detail": _SENTENCES[code], **about}


def sentence(code: str) -> str:
    """Return what a code says."""
    return _SENTENCES[code]
