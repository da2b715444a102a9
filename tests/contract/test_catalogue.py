"""The catalogue as a program: what it refuses, and in which words."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from reviewbus.catalogue import Catalogue, ContractBroken
from reviewbus.testing.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "the quick brown fox"
TOPIC = """
topic: things.v1
description: Things.
producers: [{service: maker, source: /maker}]
partitions: 2
config: {cleanup.policy: delete, retention.ms: "1000"}
types:
  thing.made.v1: {key: thing_id, meaning: A thing was made., subscribers: [reader]}
"""
SCHEMA = {
    "$id": "thing.made.v1",
    "type": "object",
    "additionalProperties": False,
    "required": ["thing_id"],
    "properties": {"thing_id": {"type": "string", "pattern": "^[a-z]{4}$"}, "size": {"type": "integer"}},
}


def a_folder(tmp_path: Path, *, topics: int = 1) -> Path:
    (tmp_path / "topics").mkdir()
    (tmp_path / "events").mkdir()
    for number in range(topics):
        (tmp_path / "topics" / f"things{number}.yaml").write_text(TOPIC, encoding="utf-8")
    (tmp_path / "events" / "thing.made.v1.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    return tmp_path


def test_the_shipped_catalogue_is_read_once() -> None:
    assert Catalogue.load() is Catalogue.load()


def test_a_folder_is_read_with_everything_that_stands_in_it(tmp_path: Path) -> None:
    catalogue = Catalogue.read(a_folder(tmp_path))
    topic, kind = catalogue.topics["things.v1"], catalogue.types["thing.made.v1"]
    assert (topic.partitions, dict(topic.config)) == (2, {"cleanup.policy": "delete", "retention.ms": "1000"})
    assert [(each.service, each.source) for each in topic.producers] == [("maker", "/maker")]
    assert (kind.topic, kind.key, kind.meaning, kind.subscribers) == (
        "things.v1",
        "thing_id",
        "A thing was made.",
        ("reader",),
    )
    assert catalogue.topic_of("thing.made.v1") == "things.v1"


def test_a_type_in_two_topics_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"thing\.made\.v1"):
        Catalogue.read(a_folder(tmp_path, topics=2))


def test_a_type_without_a_schema_is_refused(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "events" / "thing.made.v1.schema.json").unlink()
    with pytest.raises(FileNotFoundError):
        Catalogue.read(folder)


@pytest.mark.parametrize("name", ["nobody.knows.v1", "packet.released", "packet.released.v2"])
def test_an_unknown_type_or_version_is_refused(name: str) -> None:
    catalogue = Catalogue.load()
    for ask in (
        catalogue.topic_of,
        lambda name: catalogue.validate(name, {}),
        lambda name: catalogue.accepts(name, {}),
    ):
        with pytest.raises(ContractBroken, match="not in the catalogue"):
            ask(name)


@pytest.mark.parametrize(
    ("wrong", "pointer", "words"),
    [
        ({"holder": CANARY}, "/holder", "breaks enum"),
        ({"review_id": CANARY}, "/review_id", "breaks pattern"),
        ({"fence": CANARY}, "/fence", "breaks type"),
        ({"fence": 2}, "/fence", "breaks not"),
        ({"surprise": CANARY}, "", "has unknown surprise"),
    ],
)
def test_a_broken_contract_names_place_and_rule_and_quotes_no_value(
    wrong: dict[str, Any], pointer: str, words: str
) -> None:
    with pytest.raises(ContractBroken) as broken:
        Catalogue.load().validate("hold.released.v1", {**examples("hold.released.v1")[0], **wrong})
    assert broken.value.type == "hold.released.v1"
    assert broken.value.pointer == pointer
    assert broken.value.message.startswith(words)
    assert CANARY not in str(broken.value)
    assert broken.value.__cause__ is None


def test_a_missing_property_is_named() -> None:
    with pytest.raises(ContractBroken, match="lacks fence, holder"):
        Catalogue.load().validate("hold.released.v1", {"review_id": examples("hold.released.v1")[0]["review_id"]})


def test_the_place_inside_of_an_object_is_named() -> None:
    opened = examples("review.opened.v1")[0]
    opened["self_deadline"]["instant"] = "2026-06-12T22:00:00+02:00"
    with pytest.raises(ContractBroken) as broken:
        Catalogue.load().accepts("review.opened.v1", opened)
    assert broken.value.pointer == "/self_deadline/instant"


def test_a_consumer_ignores_what_a_newer_producer_added_at_any_depth() -> None:
    opened = {**examples("review.opened.v1")[0], "added": 1}
    opened["self_deadline"]["added"] = 1
    Catalogue.load().accepts("review.opened.v1", opened)
    with pytest.raises(ContractBroken):
        Catalogue.load().validate("review.opened.v1", opened)


def test_the_schema_that_refuses_strangers_stays_as_it_is_after_tolerant_use() -> None:
    shipped = files("reviewbus").joinpath("contracts", "events", "review.opened.v1.schema.json")
    Catalogue.load().accepts("review.opened.v1", examples("review.opened.v1")[0])
    assert dict(Catalogue.load().types["review.opened.v1"].schema) == json.loads(shipped.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "wrong",
    [{"fence": 3}, {"epoch": None}, {"snapshot_hash": None}, {"manager_version": None}],
    ids=["odd fence", "no epoch", "no hash", "no version"],
)
def test_a_hold_that_does_not_say_what_it_holds_is_refused(wrong: dict[str, Any]) -> None:
    held = next(
        each for each in examples("hold.requested.v1") if each["want"] == "held" and each["holder"] == "release"
    )
    with pytest.raises(ContractBroken):
        Catalogue.load().validate("hold.requested.v1", {**held, **wrong})


def test_a_command_that_frees_with_an_even_fence_is_refused() -> None:
    free = next(each for each in examples("hold.requested.v1") if each["want"] == "free")
    with pytest.raises(ContractBroken):
        Catalogue.load().validate("hold.requested.v1", {**free, "fence": free["fence"] + 1})
