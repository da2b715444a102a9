"""One command for many reviews: planned, applied, carried out in chunks, watched, cancelled, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from assessment.commands import operations as commands
from assessment.domain.review import SelfState
from component.assessment.many_reviews import (
    BULK,
    REASON,
    TEAM,
    UNKNOWN,
    Reviews,
    begun,
    cycle_of,
    outcomes,
    path_of,
    press,
    progress,
    states,
    told,
    whole,
)
from harness.people import ANNA, BEN, CAST, HELEN, HUGO, KAI, MAX, MIRA, OLGA, Person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from component.assessment.assessment_service import Running

OTHER_HR = Person(id="p-other-hr", name="Other", email="other@company.example", roles=("hr_admin",))


@pytest.fixture
def reviews(service: Running) -> Reviews:
    return told(service)


def _nothing_told(service: Running, ids: Iterable[str], kind: str) -> bool:
    return not any(service.events(each, kind) for each in ids)


def test_a_filter_waives_what_is_not_shared_and_says_of_the_rest_why_not(service: Running, reviews: Reviews) -> None:
    operation_id = begun(service, selection=whole(service, reviews))
    seen = progress(service, operation_id)
    assert (seen["state"], seen["review_count"], seen["counts"]["chosen"]) == ("running", 7, 7)
    assert set(states(service, reviews).values()) == {"none", "draft", "shared"}
    service.clock.forward(seconds=2)
    service.work()
    waived: dict[str, Any] = {one: ("done", []) for one in (BEN.id, OLGA.id, KAI.id, MAX.id, MIRA.id, HUGO.id)}
    assert outcomes(service, operation_id) == {**waived, ANNA.id: ("skipped", ["already-shared"])}
    seen = progress(service, operation_id)
    assert (seen["state"], seen["counts"]["done"], seen["counts"]["skipped"]) == ("completed", 6, 1)
    assert (seen["per_second"], seen["seconds_left"], seen["reason"]) == (3.5, None, REASON)
    for one in (BEN, OLGA, KAI, MAX, MIRA, HUGO):
        assert service.row(reviews[one])["self_state"] == "waived"
        assert len(service.events(reviews[one], "self-assessment.waived.v1")) == 1
        (audited,) = service.rows(
            "select actor, role, reason from audit where object_id = :r and action = 'self-assessment.waive'",
            r=reviews[one],
        )
        assert audited == {"actor": HELEN.id, "role": "hr_admin", "reason": REASON}
    # Never the own review, whatever the filter says.
    chosen = service.rows("select subject_id from operation_item where operation_id = :o", o=operation_id)
    assert {row["subject_id"] for row in chosen} == {one.id for one in TEAM if one is not HELEN}


def test_a_filter_by_state_and_manager_leaves_out_whom_it_names(service: Running, reviews: Reviews) -> None:
    selection = {**whole(service, reviews, self_state="none", manager_id=MAX.id), "except": []}
    only_hugo = begun(service, selection=selection, dry_run=True)
    draft = {**whole(service, reviews, self_state="draft"), "except": [reviews[BEN]]}
    nobody = begun(service, selection=draft, dry_run=True)
    late = begun(service, selection=whole(service, reviews, manager_state="submitted"), dry_run=True)
    while service.work():
        pass
    assert set(outcomes(service, only_hugo)) == {HUGO.id}
    assert [progress(service, one)["review_count"] for one in (nobody, late)] == [0, 0]
    assert [progress(service, one)["state"] for one in (nobody, late)] == ["planned", "planned"]


def test_a_plan_changes_no_review_and_applying_it_judges_each_again(service: Running, reviews: Reviews) -> None:
    plan = begun(service, selection=whole(service, reviews), dry_run=True)
    service.work()
    seen = progress(service, plan)
    assert (seen["state"], seen["counts"]["allowed"], seen["counts"]["skipped"]) == ("planned", 6, 1)
    assert seen["expires_at"] is not None
    assert "waived" not in states(service, reviews).values()
    assert _nothing_told(service, reviews.values(), "self-assessment.waived.v1")
    # Between plan and application Ben shares.
    service.done(service.post(BEN, f"/v1/reviews/{reviews[BEN]}/self-assessment/share"))
    applied = service.post(HUGO, path_of(plan, "/apply"))
    assert (applied.status_code, applied.get_json()["state"]) == (202, "running")
    service.work()
    became = outcomes(service, plan, OTHER_HR)
    assert became[BEN.id] == ("skipped", ["already-shared"])
    # Who applies acts: Hugo has no right over himself and his superior.
    assert became[HUGO.id] == ("skipped", ["forbidden-role"])
    assert became[MAX.id] == ("skipped", ["self-dealing"])
    assert became[OLGA.id] == ("done", [])
    assert (progress(service, plan)["by"], progress(service, plan)["applied_by"]) == (HELEN.id, HUGO.id)
    again = service.post(HELEN, path_of(plan, "/apply"))
    assert (again.status_code, again.get_json()["code"]) == (409, "operation-not-planned")


def test_named_reviews_are_cancelled_once_and_those_that_do_not_exist_are_named(
    service: Running, reviews: Reviews
) -> None:
    named = [reviews[ANNA], reviews[BEN], UNKNOWN, reviews[BEN], reviews[HELEN]]
    operation_id = begun(service, action="cancel", selection={"review_ids": named})
    service.work()
    assert outcomes(service, operation_id) == {
        ANNA.id: ("done", []),
        BEN.id: ("done", []),
        None: ("skipped", ["not-found"]),
    }
    assert [service.row(reviews[one])["cancelled"] for one in (ANNA, BEN, OLGA, HELEN)] == [True, True, False, False]
    again = begun(service, action="cancel", selection={"review_ids": [reviews[ANNA]]})
    service.work()
    assert outcomes(service, again) == {ANNA.id: ("skipped", ["review-cancelled"])}
    assert len(service.events(reviews[ANNA], "review.cancelled.v1")) == 1


def test_a_waiver_of_many_is_withdrawn_from_many(service: Running, reviews: Reviews) -> None:
    begun(service, selection=whole(service, reviews))
    service.work()
    back = begun(service, action="unwaive-self-assessment", selection=whole(service, reviews, self_state="waived"))
    service.work()
    assert progress(service, back)["counts"]["done"] == 6
    found = states(service, reviews)
    assert (found[BEN], found[OLGA], found[ANNA]) == (SelfState.DRAFT, SelfState.NONE, SelfState.SHARED)


def test_what_is_held_or_closed_is_skipped(service: Running, reviews: Reviews) -> None:
    service.submitted(reviews[ANNA])
    service.released(reviews[ANNA])
    held = begun(service, action="cancel", selection={"review_ids": [reviews[ANNA]]})
    service.work()
    assert outcomes(service, held) == {ANNA.id: ("skipped", ["locked-released"])}
    service.done(service.post(HELEN, f"/v1/cycles/{cycle_of(service, reviews)}/close"))
    while service.work():
        pass
    closed = begun(service, selection=whole(service, reviews))
    service.work()
    assert {tuple(codes) for _, codes in outcomes(service, closed).values()} == {
        ("cycle-closed",),
        ("cycle-closed", "already-shared"),
    }


def test_cancelling_leaves_alone_what_was_not_begun(service: Running, reviews: Reviews) -> None:
    operation_id = begun(service, selection=whole(service, reviews, self_state="none"))
    with service.service.db.begin() as tx:
        assert commands.carry_on(tx, operation_id, 2)
    assert service.done(service.post(HELEN, path_of(operation_id, "/cancel")))["state"] == "cancelled"
    service.work()
    seen = progress(service, operation_id)
    assert (seen["state"], seen["counts"]["done"], seen["counts"]["cancelled"]) == ("cancelled", 2, 3)
    assert list(states(service, reviews).values()).count("waived") == 2
    assert service.done(service.post(HELEN, path_of(operation_id, "/cancel")))["state"] == "cancelled"


def test_a_cancelled_plan_is_gone_and_a_completed_operation_is_not_cancelled(
    service: Running, reviews: Reviews
) -> None:
    plan = begun(service, selection=whole(service, reviews), dry_run=True)
    service.done(service.post(HELEN, path_of(plan, "/cancel")))
    service.work()
    assert service.get(HELEN, path_of(plan)).status_code == 404
    done = begun(service, selection={"review_ids": [reviews[OLGA]]})
    service.work()
    answer = service.post(HELEN, path_of(done, "/cancel"))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "operation-finished")


def test_a_repeated_key_begins_one_operation(service: Running, reviews: Reviews) -> None:
    body = {"action": "cancel", "selection": {"review_ids": [reviews[OLGA]]}}
    answers = [service.done(service.post(HELEN, BULK, body, key="once")) for _ in range(2)]
    assert answers[0] == answers[1]
    other = {**body, "selection": {"review_ids": [reviews[KAI]]}}
    assert service.post(HELEN, BULK, other, key="once").status_code == 422
    assert service.post(HELEN, BULK, body, key=None).status_code == 400
    service.work()
    assert service.row(reviews[KAI])["cancelled"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "close"},
        {"reason": None},
        {"reason": " "},
        {"selection": {}},
        {"selection": {"review_ids": []}},
        {"selection": {"review_ids": ["anna"]}},
        {"selection": {"review_ids": [UNKNOWN], "filter": {"cycle_id": UNKNOWN}}},
        {"selection": {"review_ids": [UNKNOWN], "except": [UNKNOWN]}},
        {"selection": {"filter": {"self_state": "none"}}},
        {"selection": {"filter": {"cycle_id": UNKNOWN, "self_state": "late"}}},
        {"selection": {"filter": {"cycle_id": UNKNOWN, "state": "none"}}},
        {"dry_run": 1},
        {"not_before": "2027-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_malformed_wish_is_refused_and_changes_nothing(service: Running, wrong: dict[str, Any]) -> None:
    body = {"action": "waive-self-assessment", "reason": REASON, "selection": {"review_ids": [UNKNOWN]}, **wrong}
    before = service.rows("select count(*) from operation")
    answer = service.post(HELEN, BULK, body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid-request")
    assert service.rows("select count(*) from operation") == before


def test_an_unknown_cycle_is_not_found(service: Running) -> None:
    answer = press(service, selection={"filter": {"cycle_id": UNKNOWN}})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("who", [one for one in CAST if "hr_admin" not in one.roles], ids=lambda one: one.id)
def test_only_hr_acts_on_many_and_others_see_no_operation(service: Running, reviews: Reviews, who: Person) -> None:
    plan = begun(service, selection=whole(service, reviews), dry_run=True)
    service.work()
    for answer in (press(service, who=who, selection=whole(service, reviews)), service.get(who, BULK)):
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden-role")
    for answer in (
        service.get(who, path_of(plan)),
        service.get(who, path_of(plan, "/items")),
        service.post(who, path_of(plan, "/apply")),
        service.post(who, path_of(plan, "/cancel")),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")
    assert progress(service, plan)["state"] == "planned"
    service.done(service.post(HELEN, path_of(plan, "/cancel")))


def test_nobody_is_told_of_the_own_review_under_an_operation(service: Running, reviews: Reviews) -> None:
    alone = begun(service, who=HELEN, action="cancel", selection={"review_ids": [reviews[HUGO]]})
    both = begun(service, who=HELEN, action="cancel", selection={"review_ids": [reviews[HUGO], reviews[OLGA]]})
    while service.work():
        pass
    assert service.get(HUGO, path_of(alone)).status_code == 404
    assert service.get(HUGO, path_of(alone, "/items")).status_code == 404
    seen = progress(service, both, HUGO)
    assert (seen["review_count"], seen["counts"]["done"]) == (1, 1)
    assert set(outcomes(service, both, HUGO)) == {OLGA.id}
    for who, wanted in ((HUGO, {both: 1}), (HELEN, {alone: 1, both: 2})):
        listed = service.done(service.get(who, f"{BULK}?cycle_id={cycle_of(service, reviews)}"))["items"]
        assert {one["operation_id"]: one["review_count"] for one in listed} == wanted
        every = service.done(service.get(who, f"{BULK}?limit=200"))["items"]
        assert {one["operation_id"] for one in every} & {alone, both} == set(wanted)


def test_operations_are_listed_newest_first_and_narrowed(service: Running, reviews: Reviews) -> None:
    cycle_id = cycle_of(service, reviews)
    plan = begun(service, selection=whole(service, reviews), dry_run=True)
    run = begun(service, action="cancel", selection={"review_ids": [reviews[OLGA]]})
    while service.work():
        pass

    def listed(query: str) -> list[str]:
        answer = service.done(service.get(HELEN, f"{BULK}?cycle_id={cycle_id}{query}"))
        return [one["operation_id"] for one in answer["items"]]

    assert (listed(""), listed("&state=planned"), listed("&action=cancel")) == ([run, plan], [plan], [run])
    first = service.done(service.get(HELEN, f"{BULK}?cycle_id={cycle_id}&limit=1"))
    assert listed(f"&limit=1&cursor={first['next_cursor']}") == [plan]
    assert service.get(HELEN, f"{BULK}?cursor=x").status_code == 422
    assert service.get(HELEN, path_of(plan, "/items?outcome=late")).status_code == 422
    page = service.done(service.get(HELEN, path_of(plan, "/items?limit=3&outcome=skipped")))
    assert ([one["subject_id"] for one in page["items"]], page["next_cursor"]) == ([ANNA.id], None)
    service.done(service.post(HELEN, path_of(plan, "/cancel")))
