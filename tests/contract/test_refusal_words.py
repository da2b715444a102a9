"""Every refusal says in one sentence what is so and what to do, and the same in every service."""

from __future__ import annotations

from collections import defaultdict
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import pytest

from assessment.domain import people as of_assessment
from harness.words import ADVICE, spoken
from packets.domain import people as of_packets
from packets.domain.packet import Part
from reviewbus.problems import SENTENCES
from signing.domain import people as of_signing
from signing.domain.record import Role

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICES = ("assessment", "notifications", "packets", "signing")


def refusals() -> list[tuple[str, type[Any]]]:
    modules = [
        (service, f"{service}.domain.{module.name}")
        for service in SERVICES
        for module in iter_modules(import_module(f"{service}.domain").__path__)
        if module.name.endswith("refusals")
    ]
    found = {
        (service, each)
        for service, module in modules
        for each in vars(import_module(module)).values()
        if isinstance(each, type) and issubclass(each, Exception) and hasattr(each, "code")
    }
    return sorted(found, key=lambda one: (one[0], one[1].code))


REFUSALS = refusals()
# Who asks an HR Admin's act of each service: somebody else of the review, and the employee, who may be one.
OTHERS: dict[str, Callable[[], list[Any]]] = {
    "assessment": lambda: of_assessment.unmet_hr(of_assessment.Relation(actor_id="a", manager=True)),  # type: ignore[arg-type]
    "packets": lambda: of_packets.unmet_part(
        of_packets.Standing(person_id="a", parts=frozenset({Part.MANAGER})),  # type: ignore[arg-type]
        Part.HR_ADMIN,
    ),
    "signing": lambda: of_signing.unmet_hr(of_signing.Relation(actor_id="a", signer=Role.MANAGER)),  # type: ignore[arg-type]
}
OWN: dict[str, Callable[[], list[Any]]] = {
    "assessment": lambda: of_assessment.unmet_hr(of_assessment.Relation(actor_id="a", employee=True)),  # type: ignore[arg-type]
    "packets": lambda: of_packets.unmet_part(
        of_packets.Standing(person_id="a", parts=frozenset({Part.EMPLOYEE})),  # type: ignore[arg-type]
        Part.HR_ADMIN,
    ),
    "signing": lambda: of_signing.unmet_hr(of_signing.Relation(actor_id="a", signer=Role.EMPLOYEE)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("refusal", [pytest.param(one, id=f"{where}-{one.code}") for where, one in REFUSALS])
def test_a_refusal_says_what_to_do(refusal: type[Any]) -> None:
    assert ADVICE.fullmatch(spoken(refusal())[1])


def test_one_code_has_one_sentence_in_all_services() -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for _, refusal in REFUSALS:
        code, words = spoken(refusal())
        said[code].add(words)
    assert len(said) > len(SENTENCES)
    assert {code: words for code, words in said.items() if len(words) > 1} == {}


def test_what_every_service_has_is_said_by_the_chassis_and_nothing_there_is_of_nobody() -> None:
    codes = {refusal.code for _, refusal in REFUSALS}
    assert SENTENCES.keys() <= codes


def test_on_the_own_review_every_service_says_the_same_and_to_others_whose_act_it_is() -> None:
    own = {spoken(one) for ask in OWN.values() for one in ask()}
    others = {spoken(one) for ask in OTHERS.values() for one in ask()}
    assert own == {("forbidden-role", of_assessment.OWN_REVIEW)}
    assert others == {("forbidden-role", "This is for HR Admins only: ask them for it.")}
    assert ADVICE.fullmatch(of_assessment.OWN_REVIEW)


def test_a_sentence_that_gives_no_advice_is_noticed() -> None:
    assert not ADVICE.fullmatch("")
    assert not ADVICE.fullmatch("The person's role does not admit this.")
