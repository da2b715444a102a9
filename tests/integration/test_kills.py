"""Kill -9 at the worst moments: nothing is lost, nothing is done twice, nothing hangs."""

from __future__ import annotations

import signal
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from harness.eventually import eventually
from harness.freeze import frozen, leased, let_leases_end
from harness.history import Exchange, History
from harness.story import SHARED, expect
from harness.threads import side_by_side
from harness.verdict import collect, facts, repeats, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.crowd import Crowd
    from harness.people import Person
    from harness.stack.children import Child
    from harness.story import Wait
    from harness.system import System
    from harness.verdict import Evidence

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
REVIEWS = 80
DEATH_S_MAX = 60.0
SETTLE_S_MAX = 120.0


@pytest.fixture(scope="module")
def crowd(running: System, crowds: Callable[..., Crowd]) -> Crowd:
    return crowds(running, employees=REVIEWS)


@pytest.fixture(scope="module")
def untouched(crowd: Crowd) -> Iterator[Person]:
    return iter(crowd.employees)


@pytest.fixture
def some(untouched: Iterator[Person]) -> list[Person]:
    """Give employees whose packets are with their managers, and whom no other test has."""
    return list(islice(untouched, 6))


@pytest.fixture
def history() -> History:
    return History()


class Armed:
    """A process that dies the next time it passes a crash point."""

    def __init__(self, system: System, service: str, verb: str, point: str, marker: Path) -> None:
        scope = f"REVIEW_{service.upper()}"
        self._marker = marker
        system.stop_process(service, verb)
        environment = {f"{scope}_CRASH_POINT": point, f"{scope}_CRASH_MARKER": str(marker)}
        self.child: Child = system.start(service, verb, **environment)

    def died(self) -> bool:
        """Say whether it passed there and was killed."""
        return self._marker.exists() and self.child.exit_code == -signal.SIGKILL

    def wait_for_death(self) -> None:
        eventually(self.died, DEATH_S_MAX, what=f"the death of {self.child.name}", why=self.child.log_tail)


def settled(system: System, crowd: Crowd, employees: list[Person]) -> Evidence:
    """What the rows and topics say once all is quiet; no rule is broken."""
    system.settle(SETTLE_S_MAX)
    evidence = collect(system, crowd.reviews(employees))
    assert violations(evidence) == []
    return evidence


# -- the relay and the consumer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["packets", "assessment"])
def test_a_relay_that_dies_between_ack_and_delete_sends_again_and_nothing_is_done_twice(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path, service: str
) -> None:
    armed = Armed(system, service, "relay", "relay-after-ack", tmp_path / "died")
    pressed = side_by_side(partial(crowd.press, history), some)
    assert {one.status for one in pressed} == {202}
    armed.wait_for_death()
    assert system.rows(service, "select count(*) from outbox") != [(0,)]
    system.start(service, "relay")
    evidence = settled(system, crowd, some)
    assert crowd.all_are("released", some)
    assert repeats(evidence.records) > 0
    assert len(facts(evidence.records, "packet.released.v1")) == len(some)


@pytest.mark.parametrize("service", ["packets", "assessment", "signing"])
def test_a_consumer_that_dies_between_its_commit_and_the_offset_reads_again_and_nothing_is_done_twice(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path, service: str
) -> None:
    armed = Armed(system, service, "consume", "consumer-after-commit", tmp_path / "died")
    side_by_side(partial(crowd.press, history), some)
    armed.wait_for_death()
    assert any("records not applied" in what for what in system.unsettled())
    system.start(service, "consume")
    evidence = settled(system, crowd, some)
    assert crowd.all_are("released", some)
    assert len(facts(evidence.records, "packet.released.v1")) == len(some)
    assert len(facts(evidence.records, "signing.opened.v1")) == len(some)


# -- web -------------------------------------------------------------------------------------------------------------


def until_answered(ask: Callable[[], Exchange]) -> Exchange:
    """Ask again as a client does whose connection broke, until there is an answer; the first one gets none."""
    assert ask().status == 0
    answers: list[Exchange] = []

    def answered() -> bool:
        answers.append(ask())
        return answers[-1].status not in {0, 503}

    eventually(answered, DEATH_S_MAX, what="an answer after the crash")
    return answers[-1]


def test_a_release_whose_answer_is_lost_is_repeated_with_its_key_and_done_once(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path
) -> None:
    employee, review_id = some[0], crowd.review(some[0])
    tag = history.ask(crowd.manager(employee), "preview", "GET", f"/v1/packets/{review_id}", review_id).etag
    Armed(system, "packets", "web", "web-after-commit", tmp_path / "died")
    answer = until_answered(partial(crowd.press, history, employee, key="pressed-once", tag=tag))
    assert (tmp_path / "died").exists()
    assert (answer.status, answer.body["state"], answer.body["epoch"]) == (202, "releasing", 1)
    system.restart("packets", "web")
    assert crowd.press(history, employee, key="pressed-once", tag=tag).body == answer.body
    evidence = settled(system, crowd, [employee])
    assert crowd.all_are("released", [employee])
    assert len(facts(evidence.records, "packet.released.v1")) == 1
    assert audited(system, "packets", review_id, like="%release%", not_like="%to-manager%") == 1


def test_a_save_whose_answer_is_lost_is_refused_when_repeated_and_kept_once(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path
) -> None:
    employee, review_id = some[0], crowd.review(some[0])
    manager, path = crowd.manager(employee), f"/v1/reviews/{review_id}/manager-assessment"
    form = history.ask(manager, "open", "GET", path, review_id)
    Armed(system, "assessment", "web", "web-after-commit", tmp_path / "died")
    body = {"answers": {**form.body["answers"], SHARED[0]: "<p>once</p>"}}
    headers = {"If-Match": f'"{form.etag}"'}
    save = partial(history.ask, manager, "save", "PUT", path, review_id, headers=headers, json=body)
    answer = until_answered(save)
    assert (answer.status, answer.body["code"]) == (412, "stale-version")
    system.restart("assessment", "web")
    evidence = settled(system, crowd, [employee])
    versions = "select version from content where review_id = %s and side = 'manager' order by version"
    assert system.rows("assessment", versions, [review_id]) == [(1,), (2,)]
    assert len(facts(evidence.records, "manager-assessment.revised.v1")) == 1


def test_a_signature_whose_answer_is_lost_is_repeated_with_its_key_and_made_once(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path, wait: Wait
) -> None:
    employee, review_id = some[0], crowd.review(some[0])
    crowd.press(history, employee)
    wait(lambda: crowd.all_are("released", [employee]))
    path, who = f"/v1/signatures/{review_id}", crowd.as_(employee)
    wait(lambda: crowd.story.signer("employee", employee)["state"] == "open")
    seen = expect(who.get(f"{path}/statement")).json()
    body = {"statement_version": seen["statement_version"], "snapshot_hash": seen["covers"]["snapshot_hash"]}
    Armed(system, "signing", "web", "web-after-commit", tmp_path / "died")
    headers = {"Idempotency-Key": "signed-once"}
    sign = partial(history.ask, who, "sign", "POST", f"{path}/sign", review_id, headers=headers, json=body)
    answer = until_answered(sign)
    assert answer.status == 202
    system.restart("signing", "web")
    assert sign().body == answer.body
    wait(lambda: crowd.story.signer("employee", employee)["state"] == "signed")
    evidence = settled(system, crowd, [employee])
    assert len(facts(evidence.records, "signature.requested.v1")) == 1
    assert len(facts(evidence.records, "signature.completed.v1")) == 1
    assert audited(system, "signing", review_id, like="%sign%") == 1


def audited(system: System, service: str, review_id: str, *, like: str, not_like: str = "") -> int:
    """How often the books say that somebody did this to the review."""
    statement = "select count(*) from audit where object_id = %s and action like %s and action not like %s"
    ((found,),) = system.rows(service, statement, [review_id, like, not_like])
    return int(found)


# -- work ------------------------------------------------------------------------------------------------------------


def kill_work_while(system: System, service: str, kind: str) -> None:
    """Kill the worker in the middle of a job of this kind, and let time pass until another may take it."""
    eventually(lambda: leased(system, service, kind) > 0, DEATH_S_MAX, what=f"a {kind} job begun")
    system.kill(service, "work")
    assert leased(system, service, kind) > 0, "the job was over before the kill"
    let_leases_end(system, service)


def test_a_worker_that_dies_in_the_middle_of_a_mail_leaves_one_mail_each(
    system: System, crowd: Crowd, some: list[Person], history: History
) -> None:
    with frozen(system.stack.local_smtp.pid):
        side_by_side(partial(crowd.press, history), some)
        kill_work_while(system, "notifications", "mail")
    system.start("notifications", "work")
    evidence = settled(system, crowd, some)
    ours = [one for one in evidence.deliveries if one["template"] == "released"]
    assert len(ours) == len(some)
    assert {one["state"] for one in ours} == {"sent"}


def test_a_worker_that_dies_between_the_mail_servers_word_and_its_own_sends_no_second_mail(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path
) -> None:
    armed = Armed(system, "notifications", "work", "mail-after-smtp", tmp_path / "died")
    side_by_side(partial(crowd.press, history), some)
    armed.wait_for_death()
    let_leases_end(system, "notifications")
    system.start("notifications", "work")
    evidence = settled(system, crowd, some)
    unknown = [one for one in evidence.deliveries if one["reason"] == "outcome-unknown"]
    assert len(unknown) == 1
    assert len(facts(evidence.records, "notification.failed.v1")) == 1


def rewritten(system: System, crowd: Crowd, employees: list[Person]) -> bool:
    """Whether all of these packets have the second version, and it is theirs to release."""
    statement = (
        "select distinct state, fetched_version, snapshot_manager_version, fetched_hash = snapshot_content_hash "
        "from packets where review_id = any(%s::uuid[])"
    )
    return system.rows("packets", statement, [crowd.reviews(employees)]) == [("with_manager", 2, 2, True)]


def test_a_worker_that_dies_in_the_middle_of_a_pdf_draws_it_again(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path, wait: Wait
) -> None:
    # What the managers have is drawn already: only other words make another document.
    armed = Armed(system, "packets", "work", "packets-pdf-rendered", tmp_path / "died")
    side_by_side(lambda employee: crowd.edit(history, employee, "to be printed"), some)
    armed.wait_for_death()
    let_leases_end(system, "packets")
    system.start("packets", "work")
    wait(lambda: rewritten(system, crowd, some))
    side_by_side(partial(crowd.press, history), some)
    settled(system, crowd, some)
    assert crowd.all_are("released", some)
    for employee in some:
        pages: list[Any] = []

        def drawn(employee: Person = employee, pages: list[Any] = pages) -> bool:
            pages.append(crowd.as_(employee).get(f"/v1/packets/{crowd.review(employee)}/pdf"))
            return bool(pages[-1].status_code == 200)

        wait(drawn)
        assert pages[-1].content.startswith(b"%PDF")


def test_a_worker_that_dies_in_the_middle_of_a_fetch_fetches_again(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path
) -> None:
    armed = Armed(system, "packets", "work", "packets-content-fetched", tmp_path / "died")
    edited = side_by_side(lambda employee: crowd.edit(history, employee, "second thoughts"), some)
    assert {one.status for one in edited} == {200}
    armed.wait_for_death()
    let_leases_end(system, "packets")
    system.start("packets", "work")
    settled(system, crowd, some)
    assert rewritten(system, crowd, some)


def test_a_reconciler_that_dies_between_looking_and_sending_sends_in_the_end(
    system: System, crowd: Crowd, some: list[Person], history: History, tmp_path: Path
) -> None:
    armed = Armed(system, "packets", "work", "packets-reconcile", tmp_path / "died")
    # Nobody answers the commands, so that they have to be sent again.
    system.kill("assessment", "consume")
    side_by_side(partial(crowd.press, history), some)
    armed.wait_for_death()
    system.start("packets", "work")
    system.start("assessment", "consume")
    settled(system, crowd, some)
    assert crowd.all_are("released", some)
