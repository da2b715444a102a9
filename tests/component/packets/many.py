"""A cycle of nine reviews, and one command for many of them, as the tests of operations give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from component.packets.packets_office import (
    CYCLE,
    DIRECTOR,
    EMPLOYEE,
    GOALS,
    GROWTH,
    HR,
    OUTSIDER,
    REASON,
    Office,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

BULK = "/v1/packets/bulk"
MANY = [f"0198c0de-2000-7b20-9c3f-0000000001{number:02}" for number in range(6)]
OWN, ABOVE, DRAFT = (f"0198c0de-2000-7b20-9c3f-00000000020{number}" for number in range(3))


def cycle(office: Office) -> None:
    """Open nine reviews: six ready, HR's own, one of HR's superior, one that is not submitted."""
    office.people()
    for number, each in enumerate(MANY):
        office.opened(each, subject_id=EMPLOYEE if number == 0 else OUTSIDER)
    office.opened(OWN, subject_id=HR, manager_id=DIRECTOR)
    office.opened(ABOVE, subject_id=DIRECTOR)
    office.opened(DRAFT, subject_id=EMPLOYEE)
    office.work()
    office.share(GOALS, GROWTH)
    for each in (*MANY, OWN, ABOVE):
        office.submitted(each)
    office.work()
    assert {office.state(each) for each in (*MANY, OWN, ABOVE)} == {"ready"}


def wanted(action: str, *, review_ids: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    named = list(review_ids)
    selection: dict[str, Any] = {"review_ids": named} if named else {"filter": {"cycle_id": CYCLE}}
    return {"action": action, "selection": selection, "reason": REASON, **more}


def begin(office: Office, action: str, *, person: str = HR, **more: Any) -> str:
    answer = office.post(person, BULK, wanted(action, **more))
    assert answer.status_code == 202, answer.json
    assert answer.headers["Location"] == f"/v1/packets/operations/{answer.json['operation_id']}"
    return str(answer.json["operation_id"])


def turn(office: Office) -> None:
    while office.periodic("operations"):
        pass


def progress(office: Office, operation: str, person: str = HR) -> dict[str, Any]:
    answer = office.get(person, f"/v1/packets/operations/{operation}")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def outcomes(office: Office, operation: str, person: str = HR) -> dict[str, tuple[str, list[str]]]:
    answer = office.get(person, f"/v1/packets/operations/{operation}/items?limit=200")
    assert answer.status_code == 200, answer.json
    return {
        each["review_id"]: (each["outcome"], [one["code"] for one in each["unmet"]]) for each in answer.json["items"]
    }


def grant(office: Office, review_ids: Iterable[str]) -> None:
    for each in review_ids:
        office.answer("granted", 2 * office.row(each)["epoch"], review_id=each)


def released(office: Office) -> None:
    """Release the six to their employees."""
    begin(office, "release", review_ids=MANY)
    turn(office)
    grant(office, MANY)
    turn(office)
    assert {office.state(each) for each in MANY} == {"released"}
