"""N1, N2: which mails went out, how often, and whether they might."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from faults.judge.history import History

    Found = Iterator[tuple[str, str, str]]

RELEASED, UNRELEASED = "packet.released.v1", "packet.unreleased.v1"
# Between the owner's answer and the mail server's word lie at most so many seconds, if nothing stands still: five until
# the answer is too old, and as many again and more for a machine with much to do.
DECISION_S_MAX = 15.0
# Times of several processes, of the broker and of the calendar, shifted to one clock.
CLOCKS_S_MAX = 0.1
# What keeps a mail on its way after it was decided to send it.
SLOWING = ("notifications work", "smtp", "postgres", "postgres-notifications", "peer-packets", "peer-assessment")


def mail_id(row: Mapping[str, Any]) -> str:
    """Return what a mail is known by: it follows from recipient, template, review and occasion."""
    key = ":".join(str(row[name]) for name in ("recipient_id", "template", "review_id", "occasion"))
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def no_mail_twice(history: History) -> Found:
    """N2: one mail a key; none without a row that called for it, none that is said not to have gone out."""
    copies = Counter(one.id for one in history.mails)
    rows = {mail_id(row): row for row in history.table("notifications", "delivery")}
    for each, number in copies.items():
        if each not in rows:
            yield "N2", "", f"a mail {each} that nothing called for"
        elif number > 1:
            row = rows[each]
            yield (
                "N2",
                row["review_id"],
                f"{number} mails {row['template']} ({row['occasion']}) to {row['recipient_id']}",
            )
    for each, row in rows.items():
        name = f"the mail {row['template']} ({row['occasion']}) to {row['recipient_id']}"
        if row["state"] == "sending":
            yield "E2", row["review_id"], f"{name} hangs in sending"
        elif row["state"] == "sent" and not copies[each]:
            yield "lost", row["review_id"], f"{name} is said to be sent, and never came"
        elif row["state"] in {"suppressed", "queued"} and copies[each]:
            yield "N2", row["review_id"], f"{name} is {row['state']}, and went out"


def released_mails_only_while_released(history: History) -> Found:
    """N1: no mail about a release that never was, nor one that was decided on after the release was taken back."""
    arrived = {one.id: one.arrived for one in history.mails}
    for row in history.table("notifications", "delivery"):
        when = arrived.get(mail_id(row))
        if row["template"] != "released" or when is None:
            continue
        review, epoch = row["review_id"], int(row["occasion"])
        told = {one.data["epoch"] for one in history.told("/packets", review) if one.type == "packet.released.v1"}
        if epoch not in told:
            yield "N1", review, f"a mail about epoch {epoch}, which was never released"
            continue
        for one in history.acts("unrelease", review):
            hidden = one.ok and one.body["state"] == "unreleasing" and one.body["epoch"] >= epoch
            if hidden and when > one.ended + DECISION_S_MAX + slowed(history, one.ended, when):
                yield "N1", review, f"a mail about epoch {epoch} {when - one.ended:.1f} s after it was taken back"
                break


def released_mails_are_decided_on_while_released(history: History) -> Found:
    """N1: when it was asked whether a mail may go out, its release stood, for all that was known for certain by then.

    The mail itself says when that was, so that nothing is allowed for what kept it on its way.
    """
    mails = {one.id: one for one in history.mails}
    for row in history.table("notifications", "delivery"):
        mail = mails.get(mail_id(row))
        if row["template"] != "released" or mail is None:
            continue
        review, epoch = row["review_id"], int(row["occasion"])
        told = history.told("/packets", review)
        begun = min((one.occurred for one in told if one.type == RELEASED and one.data["epoch"] == epoch), default=0.0)
        if mail.arrived < begun - CLOCKS_S_MAX:
            yield "N1", review, f"a mail about epoch {epoch} {begun - mail.arrived:.1f} s before it was released"
        over = min(_ends(history, review, epoch), default=math.inf)
        if mail.decided > over + CLOCKS_S_MAX:
            words = f"a mail about epoch {epoch} was decided on {mail.decided - over:.1f} s after that had ended"
            yield "N1", review, words


def _ends(history: History, review: str, epoch: int) -> Iterator[float]:
    """When it was certain that a release did not stand any more: by an answer, or by what packets told afterwards."""
    for one in history.acts("unrelease", review):
        if one.ok and one.body["state"] == "unreleasing" and one.body["epoch"] >= epoch:
            yield one.ended
    for told in history.told("/packets", review):
        known = told.data.get("epoch") or 0
        if known > epoch or (known == epoch and told.type == UNRELEASED):
            yield told.at


def slowed(history: History, begin: float, end: float) -> float:
    """Return for how long, between two times, something stood in the way of mails already decided on."""
    overlaps = (
        min(end, one.ended + DECISION_S_MAX) - max(begin, one.began)
        for one in history.faults
        if one.target in SLOWING and one.kind in {"pause", "break"}
    )
    return sum(max(0.0, one) for one in overlaps)


CHECKS = (no_mail_twice, released_mails_only_while_released, released_mails_are_decided_on_while_released)
