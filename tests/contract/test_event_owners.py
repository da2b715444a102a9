"""The catalogue against the services: who is said to read a type reads it, who is said to send one can send it."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.people import SERVICES
from reviewbus.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCES = {name: Path(__file__).parents[2] / "services" / name / "src" / name for name in SERVICES}
CATALOGUE = Catalogue.load()


# What the checks are made of; each has a test below in which it complains.


def modules(place: Path) -> Iterator[ast.Module]:
    """Parse a module, or all modules of a package; `place` has no suffix."""
    files = [place.with_suffix(".py")] if place.with_suffix(".py").exists() else sorted(place.rglob("*.py"))
    for file in files:
        yield ast.parse(file.read_text(encoding="utf-8"))


def words(trees: Sequence[ast.Module]) -> set[str]:
    """Every string constant."""
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def classes(trees: Sequence[ast.Module]) -> set[str]:
    """The classes at the top of the modules that are no words (enumerations) and no base of another there."""
    found = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    bases = {node.name: {ast.unparse(base) for base in node.bases} for node in found}
    facts = {name for name, above in bases.items() if not any(base.endswith("Enum") for base in above)}
    return facts - {base for above in bases.values() for base in above}


def called(trees: Sequence[ast.Module]) -> set[str]:
    """The last words of everything that is called, or handed over to be called."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    heads = [node.func for node in nodes if isinstance(node, ast.Call)]
    heads += [each for node in nodes if isinstance(node, ast.Call) for each in node.args]
    return {ast.unparse(head).rpartition(".")[2] for head in heads}


def promised(service: str, catalogue: Catalogue = CATALOGUE) -> set[str]:
    """The types of every topic that a service alone produces, and those it shares."""
    topics = [one for one in catalogue.topics.values() if service in {each.service for each in one.producers}]
    return {kind for topic in topics for kind in topic.types}


def listed_for(service: str, subscribers: Mapping[str, Sequence[str]]) -> set[str]:
    return {kind for kind, readers in subscribers.items() if service in readers}


# The services themselves.


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_exactly_the_types_that_name_it_as_a_subscriber(service: str) -> None:
    subscriptions = importlib.import_module(f"{service}.subscriptions").SUBSCRIPTIONS
    readers = {kind: one.subscribers for kind, one in CATALOGUE.types.items()}
    assert set(subscriptions) == listed_for(service, readers)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_send_exactly_the_types_that_name_it_as_a_producer(service: str) -> None:
    said = words(list(modules(SOURCES[service] / "events")))
    assert said & set(CATALOGUE.types) == promised(service)


@pytest.mark.parametrize("service", SERVICES)
def test_every_fact_of_a_service_comes_about_somewhere_in_its_domain(service: str) -> None:
    facts = classes(list(modules(SOURCES[service] / "domain" / "facts")))
    assert facts
    assert facts - called(list(modules(SOURCES[service] / "domain"))) == set()


# The checks complain.


def test_a_type_that_nobody_sends_is_found() -> None:
    tree = ast.parse('TYPES = {A: "packet.ready.v1"}')
    assert promised("packets") - words([tree]) >= {"packet.released.v1"}


def test_a_reader_who_is_not_listed_is_found() -> None:
    assert listed_for("signing", {"a.v1": ["signing"], "b.v1": ["packets"]}) == {"a.v1"}


def test_a_fact_that_never_comes_about_is_found() -> None:
    facts = ast.parse(
        "class Word(StrEnum): ...\nclass _Head: ...\nclass Sent(_Head): ...\nclass Lost(_Head): ...\nclass Kept: ..."
    )
    domain = ast.parse("def act(row):\n    return row, (facts.Sent(row), make(Kept))")
    assert classes([facts]) - called([domain]) == {"Lost"}
