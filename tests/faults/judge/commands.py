"""Lost and twice: what people were told, against what rows and records say was done.

Every call has a trace of its own; the services write it beside each act of a person that they carried out, and pass it
on with every record that follows from it. Attempts under one key are one intent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faults.judge.history import Call, History

    Found = Iterator[tuple[str, str, str]]

# What must have been told where a command was carried out.
TELLS = {
    "release": ("hold.requested.v1",),
    "unrelease": ("packet.unreleased.v1", "packet.withdrawn.v1"),
    "send": ("packet.released-to-manager.v1",),
    "sign": ("signature.requested.v1",),
    "revoke": ("signature.revoked.v1", "review.completion-lifted.v1"),
    "complete": ("review.completion-requested.v1",),
    "reopen": ("manager-assessment.reopened.v1",),
    "submit": ("manager-assessment.submitted.v1",),
    "share": ("self-assessment.shared.v1",),
    "unshare": ("self-assessment.unshared.v1",),
    "reassign": ("review.reassigned.v1",),
    "confirm": ("calibration.confirmed.v1",),
    "rate": ("calibration.rating-changed.v1",),
    "bulk": ("bulk-operation.started.v1",),
}
SOURCES = ("/assessment", "/packets", "/signing")
# A command that asks for what is so, or on its way, is answered with success and does nothing.
MAY_DO_NOTHING = {"release", "unrelease", "send", "sign", "revoke", "complete", "confirm", "rate", "reassign"}
# What shows that it stood already, beside the record of the command itself.
STOOD = {
    "send": ("packet.release-failed.v1",),
    "confirm": ("calibration.completed.v1",),
    "reassign": ("review.opened.v1",),
}


def commands_are_done_once(history: History) -> Found:
    """Every command with success was carried out once; every refused one was not."""
    for key, attempts in history.intents.items():
        act, review = attempts[0].act, attempts[0].review
        if act not in TELLS:
            continue
        done = [one for one in attempts if one.trace in history.audits]
        times = sum(len(history.audits[one.trace]) for one in done)
        accepted = [one for one in attempts if one.ok]
        if times > 1:
            yield "twice", review, f"{act} under {key} was done {times} times"
        if done and not accepted and not any(one.undecided for one in attempts):
            yield "undone", review, f"{act} under {key} was refused with {attempts[-1].status}, and was done"
        if accepted and not done and (act not in MAY_DO_NOTHING or not _stands(history, accepted[0])):
            yield "lost", review, f"{act} under {key} was answered {accepted[0].status}, and was not done"
        if len({(one.status, str(one.body)) for one in accepted}) > 1:
            yield "twice", review, f"{act} under {key} was answered differently"
        for one in done:
            if not any(told.type in TELLS[act] for told in history.by_cause.get(one.trace, ())):
                yield "S7", review, f"{act} under {key} was done, and nothing told of it"


def saves_are_done_once(history: History) -> Found:
    """Every text that was saved with success is kept once under its version; every refused one is not."""
    kept: dict[tuple[str, str], list[int]] = {}
    for (review, version), row in history.contents.items():
        for mark in _marks(row["answers"]):
            kept.setdefault((review, mark), []).append(version)
    submitted = _copies(history)
    for key, attempts in history.intents.items():
        act, review = attempts[0].act, attempts[0].review
        if act != "edit":
            continue
        versions = [one for one in sorted(kept.get((review, key), [])) if (review, one) not in submitted]
        accepted = [one for one in attempts if one.ok]
        if len(versions) > 1:
            yield "twice", review, f"the text {key} is kept as versions {versions}"
        if accepted and int(accepted[0].etag) not in kept.get((review, key), []):
            yield "lost", review, f"the text {key} was saved as version {accepted[0].etag}, and is not there"
        if versions and not accepted and not any(one.undecided for one in attempts):
            yield "undone", review, f"the text {key} was refused with {attempts[-1].status}, and is kept"


CHECKS = (commands_are_done_once, saves_are_done_once)


def _stands(history: History, accepted: Call) -> bool:
    """Whether what was asked for stood already, or was on its way: somebody else's act told of it."""
    told = [one for source in SOURCES for one in history.told(source, accepted.review)]
    kinds = (*TELLS[accepted.act], *STOOD.get(accepted.act, ()))
    # A rating outlives the releases at which it was told.
    names = () if accepted.act == "rate" else ("epoch", "fence")
    named = {name: accepted.body[name] for name in names if name in accepted.body}
    return any(one.type in kinds and named.items() <= one.data.items() for one in told)


def _marks(answers: Sequence[Any]) -> set[str]:
    """The word of its own that each text has: its first."""
    texts = [one["value"] for one in answers if isinstance(one["value"], str)]
    return {text.removeprefix("<p>").partition(":")[0] for text in texts}


def _copies(history: History) -> set[tuple[str, int]]:
    """Versions that are another's text again, made by submitting it."""
    found = set()
    for (review, version), row in history.contents.items():
        before = history.contents.get((review, version - 1))
        if before is not None and before["content_hash"] == row["content_hash"]:
            found.add((review, version))
    return found
