"""Rules 21 to 23 and 45: what stands still under a release, under a signature and in a closed cycle, and reopening."""

from __future__ import annotations

from harness.journey import BACKUPS
from harness.matrix_scenes import HANA, UMA
from harness.people import AMY, ANNA, HELEN, KAI, MAX, MIRA, OLGA
from harness.story import MANAGER_ANSWERS, SELF_ANSWERS
from journey import rule_acts as do
from journey import rule_givens as at
from journey import rule_outcomes as so
from journey.rule_book import no, rule, same, skips, yes
from journey.rule_givens import ANNA_OF_HR

CLOSED = "409 cycle-closed"
UNDER_RELEASE, UNDER_SIGNATURE = "423 locked-released", "423 locked-signed"
NOT_SHARED_YET = at.closed(at.DRAFTED)

RULES = (
    rule(
        21,
        "release lock",
        "edit the manager's side, reopen, recalibrate, change the rating",
        "",
        {"locked-released", "locked"},
        yes(
            at.TAKEN_BACK,
            do.EDIT,
            "200",
            MAX,
            then=[so.review_shows(manager_version=2, manager_state="submitted"), so.calibration_is("stale")],
        ),
        yes(
            at.TAKEN_BACK, do.REOPEN, "200", HELEN, then=[so.review_shows(manager_state="draft"), so.packet_is("none")]
        ),
        yes(at.TAKEN_BACK, do.RECALIBRATE, "200", HELEN, then=[so.calibration_is("in_session"), so.packet_is("none")]),
        yes(at.TAKEN_BACK, do.CHANGE_RATING, "200", KAI, then=[so.calibration_is("calibrated"), so.shows_rating(5)]),
        yes(at.TAKEN_BACK, do.UNSHARE, "200", ANNA, then=[so.review_shows(self_state="draft")]),
        no(at.RELEASED, do.EDIT, UNDER_RELEASE, MAX, HELEN, but=BACKUPS),
        no(at.RELEASED, do.REOPEN, UNDER_RELEASE, MAX, HELEN),
        no(at.RELEASED, do.RECALIBRATE, UNDER_RELEASE, HELEN),
        no(at.RELEASED, do.RATE, UNDER_RELEASE, KAI, HELEN),
        no(at.RELEASED, do.CHANGE_RATING, UNDER_RELEASE, HELEN, KAI),
        no(at.RELEASED, do.OVERRIDE, UNDER_RELEASE, HELEN),
        no(at.RELEASED, do.REASSIGN, UNDER_RELEASE, HELEN),
        no(at.RELEASED, do.CANCEL_REVIEW, UNDER_RELEASE, HELEN),
        no(at.RELEASED, do.UNSHARE, "423 locked", ANNA),
        no(at.RELEASED, do.SAVE_SELF, "423 locked", ANNA, but=BACKUPS),
        no(at.LOCK_GRANTED, do.EDIT, UNDER_RELEASE, MAX, but=BACKUPS),
        no(at.UNRELEASING, do.EDIT, UNDER_RELEASE, MAX, but=BACKUPS),
        no(at.UNRELEASING, do.REOPEN, UNDER_RELEASE, HELEN),
        no(at.RELEASED, do.EDIT, "404 not-found", ANNA, KAI, OLGA),
        no(at.RELEASED, do.EDIT, "403 forbidden-role", AMY),
        no(at.RELEASED, do.EDIT, "403 self-dealing", HANA),
    ),
    rule(
        22,
        "signature lock",
        "any edit, share, unshare, reassign",
        "",
        {"locked-signed"},
        yes(at.REVOKED, do.EDIT, "200", MAX, then=[so.review_shows(manager_version=2), so.calibration_is("stale")]),
        yes(at.REVOKED, do.REASSIGN, "200", HELEN, then=[so.review_shows(manager_id=MIRA.id)]),
        yes(at.REVOKED, do.UNSHARE, "200", ANNA, then=[so.review_shows(self_state="draft")]),
        yes(at.REVOKED, do.CHANGE_RATING, "200", HELEN, then=[so.shows_rating(5)]),
        *(
            line
            for given in (at.SIGNED, at.SIGNATURE_ALONE)
            for line in (
                no(given, do.EDIT, UNDER_SIGNATURE, MAX, HELEN, but=BACKUPS),
                no(given, do.REOPEN, UNDER_SIGNATURE, HELEN),
                no(given, do.REASSIGN, UNDER_SIGNATURE, HELEN),
                no(given, do.CANCEL_REVIEW, UNDER_SIGNATURE, HELEN),
                no(given, do.WAIVE, UNDER_SIGNATURE, HELEN),
                no(given, do.SAVE_SELF, UNDER_SIGNATURE, ANNA, but=BACKUPS),
                no(given, do.SHARE, UNDER_SIGNATURE, ANNA),
                no(given, do.UNSHARE, UNDER_SIGNATURE, ANNA),
            )
        ),
        no(at.SIGNATURE_ALONE, do.CHANGE_RATING, UNDER_SIGNATURE, HELEN, KAI),
        no(at.SIGNATURE_ALONE, do.RECALIBRATE, UNDER_SIGNATURE, HELEN),
        no(at.SIGNATURE_ALONE, do.OVERRIDE, UNDER_SIGNATURE, HELEN),
        no(at.SIGNED, do.EDIT, "404 not-found", ANNA, OLGA),
        no(at.SIGNED, do.REASSIGN, "403 forbidden-role", MAX, ANNA, AMY),
    ),
    rule(
        23,
        "submitted, nothing held",
        "reopen to a draft, with a reason",
        "HR",
        {"already-submitted"},
        yes(
            at.READY,
            do.REOPEN,
            "200",
            HELEN,
            then=[
                so.review_shows(manager_state="draft"),
                so.packet_is("none"),
                so.calibration_is("stale"),
                so.fact("packet.withdrawn"),
                so.fact("calibration.marked-stale"),
                so.has_task(MAX, "manager-assessment"),
            ],
        ),
        yes(
            at.WITH_MANAGER,
            do.REOPEN,
            "200",
            HELEN,
            then=[
                so.packet_is("none"),
                so.calibration_is("stale"),
                so.reads_nothing(MAX),
                so.has_task(MAX, "manager-assessment"),
            ],
        ),
        yes(at.SUBMITTED, do.REOPEN, "200", HELEN, then=[so.review_shows(manager_state="draft"), so.packet_is("none")]),
        no(at.READY, do.REOPEN, "409 already-submitted", MAX),
        no(at.READY, do.REOPEN, "403 forbidden-role", ANNA, AMY, ANNA_OF_HR),
        no(at.READY, do.REOPEN, "404 not-found", KAI, OLGA),
        no(at.READY, do.REOPEN, "403 self-dealing", HANA),
        no(at.READY, do.REOPEN, "403 unknown-person", UMA),
        no(at.READY, do.REOPEN_UNEXPLAINED, "422 invalid-request", HELEN),
        no(at.DRAFTED, do.REOPEN, "409 manager-assessment-not-submitted", HELEN, MAX),
        no(at.RELEASED, do.REOPEN, UNDER_RELEASE, HELEN),
        no(at.SIGNATURE_ALONE, do.REOPEN, UNDER_SIGNATURE, HELEN),
    ),
    rule(
        45,
        "cycle closed",
        "any write",
        "HR: unrelease, revoke; authors still read drafts",
        {"cycle-closed"},
        # What is still open.
        yes(
            at.closed(at.RELEASED),
            do.UNRELEASE,
            "202",
            HELEN,
            then=[so.packet_is("ready"), so.locked(held=False), so.reads_nothing(ANNA, MAX)],
        ),
        yes(
            at.closed(at.WITH_MANAGER), do.UNRELEASE, "200", HELEN, then=[so.packet_is("ready"), so.reads_nothing(MAX)]
        ),
        yes(at.closed(at.RELEASED), do.UNRELEASE_MANY, "202", HELEN, then=[so.became("done"), so.packet_is("ready")]),
        yes(
            at.closed(at.SIGNED),
            do.REVOKE,
            "202",
            HELEN,
            then=[so.signature_is("employee", "closed"), so.packet_is("released")],
        ),
        yes(
            at.closed(at.SIGNED),
            do.UNRELEASE_AND_REVOKE,
            "202",
            HELEN,
            then=[so.packet_is("ready"), so.locked(held=False), so.signature_is("employee", "closed")],
        ),
        same(NOT_SHARED_YET, do.READ_SELF, "200", ANNA, then=[so.answer_has(answers=SELF_ANSWERS)]),
        same(NOT_SHARED_YET, do.READ_TEXT, "200", MAX, then=[so.answer_has(answers=MANAGER_ANSWERS)]),
        same(at.closed(at.RELEASED), do.READ, "200", MAX, HELEN),
        yes(at.closed(at.RELEASED), do.READ, "200", ANNA),
        # The employee's side.
        no(NOT_SHARED_YET, do.SAVE_SELF, CLOSED, ANNA, but=BACKUPS),
        no(NOT_SHARED_YET, do.SHARE, CLOSED, ANNA),
        no(NOT_SHARED_YET, do.RESTORE, CLOSED, ANNA),
        no(NOT_SHARED_YET, do.WAIVE, CLOSED, HELEN),
        no(at.closed(at.WAIVED), do.UNWAIVE, CLOSED, HELEN),
        no(at.closed(at.SHARED_SELF), do.UNSHARE, CLOSED, ANNA),
        no(at.closed(at.LATE_SELF), do.SHARE, CLOSED, ANNA),
        # The manager's side, and the review.
        no(NOT_SHARED_YET, do.EDIT, CLOSED, MAX, but=BACKUPS),
        no(NOT_SHARED_YET, do.SUBMIT, CLOSED, MAX),
        no(at.closed(at.SUBMITTED), do.EDIT, CLOSED, MAX, HELEN, but=BACKUPS),
        no(at.closed(at.SUBMITTED), do.REOPEN, CLOSED, HELEN, MAX),
        no(at.closed(at.SUBMITTED), do.REASSIGN, CLOSED, HELEN),
        no(at.closed(at.SUBMITTED), do.CANCEL_REVIEW, CLOSED, HELEN),
        no(at.closed(at.BEGUN), do.ADD, CLOSED, HELEN, AMY),
        # Calibration.
        no(at.closed(at.BEGUN), do.SELECT, CLOSED, HELEN),
        no(at.closed(at.SUBMITTED), do.CREATE, CLOSED, HELEN),
        no(at.closed(at.SUBMITTED), do.OVERRIDE, CLOSED, HELEN),
        no(at.closed(at.PENDING), do.START, CLOSED, HELEN),
        no(at.closed(at.IN_SESSION), do.RATE, CLOSED, KAI, HELEN),
        no(at.closed(at.IN_SESSION), do.CANCEL, CLOSED, HELEN),
        no(at.closed(at.RATED), do.COMPLETE, CLOSED, HELEN),
        no(at.closed(at.STALE), do.CONFIRM, CLOSED, HELEN),
        no(at.closed(at.READY), do.RECALIBRATE, CLOSED, HELEN),
        no(at.closed(at.READY), do.CHANGE_RATING, CLOSED, HELEN, KAI),
        # Packets and signatures.
        no(at.closed(at.READY), do.SEND, CLOSED, HELEN),
        no(at.closed(at.READY), do.BYPASS, CLOSED, HELEN),
        no(at.closed(at.WITH_MANAGER), do.RELEASE, CLOSED, MAX, HELEN),
        no(at.closed(at.WITH_MANAGER), do.TALK, CLOSED, MAX),
        skips(at.closed(at.READY), do.SEND_MANY, "cycle-closed", HELEN),
        skips(at.closed(at.READY), do.RELEASE_MANY, "cycle-closed", HELEN),
        no(at.closed(at.RELEASED), do.SIGN, CLOSED, ANNA, MAX),
        no(at.closed(at.RELEASED), do.FINISH, CLOSED, HELEN),
        # To who has no right at all the at.closed cycle is no news.
        no(at.closed(at.RELEASED), do.UNRELEASE, "403 forbidden-role", MAX, ANNA),
        no(at.closed(at.SIGNED), do.REVOKE, "403 hr-only", MAX, ANNA),
        no(at.closed(at.READY), do.SEND, "404 not-found", OLGA),
    ),
)
