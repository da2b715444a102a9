"""Every record that signing reads, as the contracts show it, twice; and nothing private in what it says."""

from __future__ import annotations

import pytest

from component.signing.signing_desk import CANARY, EMPLOYEE, MANAGER, Desk
from reviewbus.testing.examples import labelled
from signing.events import TYPES
from signing.subscriptions import SUBSCRIPTIONS

EXAMPLES = [pytest.param(kind, data, id=f"{kind}-{label}") for kind in SUBSCRIPTIONS for label, data in labelled(kind)]


@pytest.mark.parametrize(("kind", "data"), EXAMPLES)
def test_a_handler_takes_an_example_and_its_repeat_changes_nothing(
    desk: Desk, kind: str, data: dict[str, object]
) -> None:
    desk.tell(kind, data, times=1)
    before = desk.everything()
    desk.tell(kind, data)
    assert desk.everything() == before


def test_every_type_of_the_service_is_published_and_every_subscription_is_announced(desk: Desk) -> None:
    catalogue = desk.service.catalogue
    for kind in TYPES.values():
        assert catalogue.topic_of(kind)
    announced = {name for name, one in catalogue.types.items() if "signing" in one.subscribers}
    assert announced == set(SUBSCRIPTIONS)


def test_no_comment_and_no_reason_gets_into_an_event_an_answer_or_a_log_line(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.open()
    for person in (EMPLOYEE, MANAGER):
        acknowledged = desk.sign(person, comment=f"<p>{CANARY}</p>")
        assert CANARY not in acknowledged.text
        desk.answer()
    desk.sign(EMPLOYEE, comment=f"another {CANARY}")
    desk.revoke("employee")
    desk.unreleased(revoke=True)
    assert desk.rows("select count(*) from comment") == [(2,)]
    assert CANARY not in str(desk.outbox())
    assert CANARY not in str(desk.rows("select headers, key, type from outbox"))
    assert CANARY not in str(desk.rows("select acknowledgement from idempotency"))
    logged = "".join(capfd.readouterr())
    assert "/v1/signatures/" in logged
    assert CANARY not in logged
