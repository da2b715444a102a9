"""Rules 28 to 30, 34, 47 and 55: sending a packet, reading it, talking about it, following all of them."""

from __future__ import annotations

from harness.matrix_scenes import GRETA, HANA, UMA
from harness.people import AMY, ANNA, DORA, HELEN, KAI, MAX, MIRA, OLGA
from journey import rule_acts as do
from journey import rule_givens as at
from journey import rule_outcomes as so
from journey.rule_book import no, rule, same, skips, yes
from journey.rule_givens import ANNA_OF_HR, OUTSIDE

IS_RELEASED = (so.packet_is("released"), so.locked(held=True), so.reads(ANNA, MAX, HELEN), so.mailed(ANNA, "released"))
IS_READY = (so.packet_is("ready"), so.locked(held=False), so.reads_nothing(ANNA, MAX))

RULES = (
    rule(
        28,
        "submitted",
        "release to the manager, one or many",
        "HR",
        {"not-calibrated", "no-shared-questions", "not-ready"},
        yes(
            at.READY,
            do.SEND,
            "200",
            HELEN,
            at_once=[so.packet_is("with_manager")],
            then=[
                so.reads(MAX),
                so.has_task(MAX, "release"),
                so.mailed(MAX, "released-to-manager"),
                so.tracked_at("sent_at"),
            ],
        ),
        yes(at.OVERRIDDEN, do.SEND, "200", HELEN, then=[so.packet_is("with_manager"), so.has_task(MAX, "release")]),
        yes(
            at.READY,
            do.SEND_MANY,
            "202",
            HELEN,
            then=[so.became("done"), so.reads(MAX), so.has_task(MAX, "release"), so.mailed(MAX, "released-to-manager")],
        ),
        same(at.WITH_MANAGER, do.SEND, "200", HELEN, then=[so.fact("packet.released-to-manager")]),
        skips(at.WITH_MANAGER, do.SEND_MANY, "nothing-to-do", HELEN),
        no(at.SUBMITTED, do.SEND, "409 not-calibrated", HELEN),
        no(at.STALE, do.SEND, "409 not-calibrated", HELEN),
        no(at.NOT_SELECTED, do.SEND, "422 no-shared-questions", HELEN),
        no(at.NOT_FETCHED, do.SEND, "409 not-ready", HELEN),
        no(at.READY, do.SEND, "403 forbidden-role", MAX, ANNA, AMY, KAI, ANNA_OF_HR),
        no(at.READY, do.SEND, "404 not-found", *OUTSIDE),
        no(at.READY, do.SEND, "403 self-dealing", HANA),
        no(at.READY, do.SEND, "403 unknown-person", UMA),
        no(at.DIRECT, do.SEND, "409 manager-direct", HELEN),
        no(at.RELEASED, do.SEND, "423 locked-released", HELEN),
        no(at.READY, do.SEND_MANY, "403 forbidden-role", MAX, ANNA, AMY, KAI),
        skips(at.SUBMITTED, do.SEND_MANY, "not-calibrated", HELEN),
        skips(at.NOT_SELECTED, do.SEND_MANY, "no-shared-questions", HELEN),
        skips(at.READY, do.SEND_MANY, "forbidden-role", ANNA_OF_HR),
        skips(at.READY, do.SEND_MANY, "self-dealing", HANA),
    ),
    rule(
        29,
        "packet ready",
        "read",
        "HR",
        {"not-found"},
        same(at.READY, do.READ, "200", HELEN, GRETA, then=[so.answer_has(state="ready", read_as="hr_admin")]),
        same(at.READY, do.PREVIEW, "200", HELEN, then=[so.answer_has(state="ready")]),
        yes(at.READY, do.PDF, "202", HELEN, then=[so.drawn_for(HELEN)]),
        no(at.READY, do.READ, "404 not-found", MAX, ANNA, KAI, ANNA_OF_HR, HANA, *OUTSIDE),
        no(at.READY, do.PREVIEW, "404 not-found", MAX, ANNA, HANA),
        no(at.READY, do.PDF, "404 not-found", MAX, ANNA, KAI, HANA),
        no(at.READY, do.READ, "403 forbidden-role", AMY),
        no(at.READY, do.READ, "403 unknown-person", UMA),
        no(at.SUBMITTED, do.READ, "409 not-calibrated", HELEN),
        no(at.SUBMITTED, do.READ, "404 not-found", MAX, ANNA),
    ),
    rule(
        30,
        "with the manager",
        "read, PDF",
        "manager, HR",
        {"not-found"},
        same(at.WITH_MANAGER, do.READ, "200", MAX, then=[so.answer_has(state="with_manager", read_as="manager")]),
        same(at.WITH_MANAGER, do.READ, "200", HELEN, GRETA),
        yes(at.WITH_MANAGER, do.PDF, "202", MAX, then=[so.drawn_for(MAX)]),
        no(at.WITH_MANAGER, do.READ, "404 not-found", ANNA, KAI, ANNA_OF_HR, HANA, *OUTSIDE),
        no(at.WITH_MANAGER, do.PDF, "404 not-found", ANNA, KAI, HANA, *OUTSIDE),
        no(at.WITH_MANAGER, do.PREVIEW, "404 not-found", ANNA),
        no(at.WITH_MANAGER, do.READ, "403 forbidden-role", AMY),
        no(at.RELEASING, do.READ, "404 not-found", ANNA),
        no(at.RECALLED, do.READ, "404 not-found", MAX, ANNA),
    ),
    rule(
        34,
        "released",
        "read, PDF",
        "employee, manager, HR",
        (),
        yes(
            at.RELEASED,
            do.READ,
            "200",
            ANNA,
            then=[
                so.answer_has(read_as="employee"),
                so.tracked_at("viewed_at"),
                so.reads(ANNA),
                so.fact("packet.viewed"),
            ],
        ),
        same(
            at.RELEASED,
            do.READ,
            "200",
            MAX,
            HELEN,
            GRETA,
            then=[so.tracked(viewed_at=None), so.fact("packet.viewed", 0)],
        ),
        same(at.RELEASED, do.PREVIEW, "200", HELEN, then=[so.tracked(viewed_at=None)]),
        yes(at.RELEASED, do.PDF, "202", ANNA, then=[so.drawn_for(ANNA), so.tracked_at("viewed_at", "downloaded_at")]),
        yes(at.RELEASED, do.PDF, "202", MAX, then=[so.drawn_for(MAX), so.tracked(viewed_at=None, downloaded_at=None)]),
        no(at.RELEASED, do.READ, "404 not-found", KAI, HANA, *OUTSIDE),
        no(at.RELEASED, do.PDF, "404 not-found", KAI, HANA, *OUTSIDE),
        no(at.RELEASED, do.READ, "403 forbidden-role", AMY),
        no(at.RELEASED, do.PDF, "403 forbidden-role", AMY),
        no(at.RELEASED, do.READ, "403 unknown-person", UMA),
        no(at.RELEASED, do.PREVIEW, "403 forbidden-role", ANNA, MAX, AMY),
        no(at.UNRELEASING, do.READ, "404 not-found", ANNA, MAX),
        no(at.TAKEN_BACK, do.READ, "404 not-found", ANNA, MAX),
        no(at.TAKEN_BACK, do.PDF, "404 not-found", ANNA, MAX),
    ),
    rule(
        47,
        "any",
        "tracking",
        "HR, assistants: states only, managers: own team",
        (),
        same(at.TWO_TEAMS, do.COUNTS, "200", HELEN, AMY, then=[so.counted(packets=2, with_manager=1, none=1)]),
        same(at.TWO_TEAMS, do.COUNTS, "200", MAX, then=[so.counted(packets=1, with_manager=1)]),
        same(at.TWO_TEAMS, do.COUNTS, "200", MIRA, then=[so.counted(packets=1, none=1)]),
        same(at.TWO_TEAMS, do.FOLLOWED, "200", HELEN, then=[so.listed(ANNA, OLGA)]),
        same(at.TWO_TEAMS, do.FOLLOWED, "200", AMY, then=[so.listed(ANNA, OLGA), so.states_only]),
        same(at.TWO_TEAMS, do.FOLLOWED, "200", MAX, then=[so.listed(ANNA)]),
        same(at.TWO_TEAMS, do.FOLLOWED, "200", MIRA, then=[so.listed(OLGA)]),
        same(at.TWO_TEAMS, do.FOLLOWED_CSV, "200", HELEN, AMY, MAX, then=[so.is_csv]),
        same(at.TWO_TEAMS, do.COUNTS_CSV, "200", HELEN, AMY, MAX, then=[so.is_csv]),
        same(at.TWO_TEAMS, do.LISTED, "200", AMY, then=[so.listed(ANNA, OLGA), so.states_only]),
        same(at.BEGUN, do.COUNTS, "200", HELEN, AMY, MAX, then=[so.counted(packets=1, none=1)]),
        same(at.OVERRIDDEN, do.FOLLOWED, "200", AMY, then=[so.states_only, so.override_told(AMY, None)]),
        same(at.OVERRIDDEN, do.FOLLOWED, "200", HELEN, then=[so.override_told(HELEN, at.REASON["reason"])]),
        same(at.RELEASED, do.COUNTS, "200", HELEN, MAX, then=[so.counted(sent=1, released_by_manager=1, viewed=0)]),
        same(at.SIGNED, do.COUNTS, "200", HELEN, then=[so.counted(signed_by_employee=1, signed_by_manager=0)]),
        *(
            no(at.TWO_TEAMS, act, "404 not-found", ANNA, KAI, OLGA, DORA)
            for act in (do.COUNTS, do.FOLLOWED, do.FOLLOWED_CSV)
        ),
        no(at.RELEASED, do.HISTORY, "403 forbidden-role", AMY, MAX, ANNA),
        no(at.RELEASED, do.READ, "403 forbidden-role", AMY),
    ),
    rule(
        55,
        "with the manager or released",
        "record that the conversation took place",
        "manager",
        {"forbidden-role"},
        *(
            yes(
                given,
                do.TALK,
                "200",
                MAX,
                then=[so.tracked_at("conversation_at"), so.fact("conversation.recorded"), so.packet_is(to)],
            )
            for given, to in ((at.WITH_MANAGER, "with_manager"), (at.RELEASED, "released"))
        ),
        *(
            line
            for given in (at.WITH_MANAGER, at.RELEASED)
            for line in (
                no(given, do.TALK, "403 forbidden-role", HELEN, ANNA, AMY, KAI, HANA, UMA, ANNA_OF_HR),
                no(given, do.TALK, "404 not-found", *OUTSIDE),
            )
        ),
        no(at.READY, do.TALK, "404 not-found", MAX),
        no(at.TAKEN_BACK, do.TALK, "404 not-found", MAX),
        no(at.RELEASING, do.TALK, "409 release-in-progress", MAX),
        no(at.READY, do.TALK, "403 forbidden-role", HELEN),
    ),
)
