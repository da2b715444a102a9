"""The contracts as files: complete, strict, without a place where a text or a name could travel."""

from __future__ import annotations

import copy
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reviewbus import asyncapi
from reviewbus.catalogue import Catalogue, ContractBroken, EventType
from reviewbus.testing.examples import labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
CATALOGUE = Catalogue.load()
TYPES = sorted(CATALOGUE.types)
RETENTION_MS_MAX = 30 * 24 * 3600 * 1000
KEYS = {"review_id", "cycle_id", "person_id", "operation_id"}

# Words that promise something that never travels. An id, a hash, a version or a count of it is not the thing itself.
# fmt: off
TELLING = {
    "address", "answer", "answers", "body", "comment", "comments", "content", "description", "email", "feedback",
    "grade", "html", "justification", "label", "link", "mail", "message", "name", "names", "note", "notes", "phone",
    "question", "questions", "rating", "ratings", "reason", "remark", "score", "statement", "subject", "summary",
    "text", "texts", "title", "url", "value", "values",
}
# fmt: on
HARMLESS = {"_id": "string", "_ids": "array", "_hash": "string", "_version": "integer", "_count": "integer"}


# What the checks are made of; each has a test below in which it complains.


def declared(schema: Mapping[str, Any], pointer: str = "") -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield (pointer, name, schema) of every property at every depth.

    Conditions (`if`, `then`) are left out: they only narrow, because what is not declared is refused.
    """
    for name, prop in schema.get("properties", {}).items():
        yield f"{pointer}/{name}", name, prop
        yield from declared(prop, f"{pointer}/{name}")
        yield from declared(prop.get("items", {}), f"{pointer}/{name}/items")


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type of a property, null apart."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return str(next(each for each in types if each != "null"))


def is_loose(schema: Mapping[str, Any]) -> bool:
    """Whether it is a string that is neither one of some words, nor follows a pattern, nor is short."""
    return kind_of(schema) == "string" and not schema.keys() & {"const", "enum", "maxLength", "pattern"}


def loose_strings(schema: Mapping[str, Any]) -> list[str]:
    """Pointers of strings without a limit, also those in lists."""
    found = declared(schema)
    return [pointer for pointer, _, prop in found if is_loose(prop) or ("items" in prop and is_loose(prop["items"]))]


def telling_names(schema: Mapping[str, Any]) -> list[str]:
    """Pointers of properties whose names promise texts, names or judgements."""
    return [
        pointer
        for pointer, name, prop in declared(schema)
        if TELLING & set(name.split("_")) and not is_reference(name, prop) and not is_code(name, prop)
    ]


def is_reference(name: str, schema: Mapping[str, Any]) -> bool:
    suffix = f"_{name.rpartition('_')[2]}"
    return HARMLESS.get(suffix) == kind_of(schema)


def is_code(name: str, schema: Mapping[str, Any]) -> bool:
    return name == "reason" and ("enum" in schema or schema.get("pattern") == "^[a-z0-9]+(-[a-z0-9]+)*$")


def undescribed(schema: Mapping[str, Any]) -> list[str]:
    return [pointer for pointer, _, prop in declared(schema) if not prop.get("description", "").endswith((".", "`"))]


def wrong_payloads(schema: Mapping[str, Any], payload: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (what is wrong, payload): an unknown property, each required one missing, each of another type."""
    yield "unknown", {**payload, "surprise": 1}
    for name in schema["properties"]:
        if name in schema.get("required", schema["properties"]):
            yield f"without {name}", {key: value for key, value in payload.items() if key != name}
        prop = schema["properties"][name]
        yield f"{name} of another type", {**payload, name: 7 if kind_of(prop) in {"object", "array"} else {"a": 1}}
        if kind_of(prop) == "object" and payload.get(name) is not None:
            for what, inner in wrong_payloads(prop, payload[name]):
                yield f"{name}: {what}", {**payload, name: inner}


def accepted_wrongs(check: Callable[[dict[str, Any]], object], kind: EventType, payload: dict[str, Any]) -> list[str]:
    """What is wrong with those of a payload's wrong variants that a check lets pass."""
    accepted = []
    for what, wrong in wrong_payloads(kind.schema, payload):
        try:
            check(wrong)
        except ContractBroken:
            continue
        accepted.append(what)
    return accepted


def file_mismatches(topics: set[str], schemas: set[str], examples: Mapping[str, int]) -> list[str]:
    """Types that lack a schema, an example or a topic."""
    return [
        *(f"{each} has no schema" for each in sorted(topics - schemas)),
        *(f"{each} has no example" for each in sorted(topics) if not examples.get(each)),
        *(f"{each} is in no topic" for each in sorted((schemas | set(examples)) - topics)),
    ]


def one_sided(schema: Mapping[str, Any], payloads: list[dict[str, Any]]) -> list[str]:
    """Properties that may be null, of which the examples show only one side."""
    return [
        name
        for name, prop in schema["properties"].items()
        if "null" in prop["type"] and len({payload[name] is None for payload in payloads}) == 1
    ]


# The contracts themselves.


def test_every_type_has_a_schema_an_example_and_a_topic() -> None:
    contracts = files("reviewbus").joinpath("contracts")
    schemas = {each.name.removesuffix(".schema.json") for each in contracts.joinpath("events").iterdir()}
    examples = {each.name: len(list(each.iterdir())) for each in contracts.joinpath("examples").iterdir()}
    assert file_mismatches(set(TYPES), schemas, examples) == []


@pytest.mark.parametrize("name", TYPES)
def test_every_example_is_accepted_by_producers_and_consumers(name: str) -> None:
    for _, payload in labelled(name):
        CATALOGUE.validate(name, payload)
        CATALOGUE.accepts(name, payload)


@pytest.mark.parametrize("name", TYPES)
def test_the_examples_show_both_sides_of_what_may_be_null(name: str) -> None:
    assert one_sided(CATALOGUE.types[name].schema, [payload for _, payload in labelled(name)]) == []


@pytest.mark.parametrize("name", TYPES)
def test_a_producer_is_refused_what_is_unknown_missing_or_of_another_type(name: str) -> None:
    for _, payload in labelled(name):
        wrongs = accepted_wrongs(lambda wrong: CATALOGUE.validate(name, wrong), CATALOGUE.types[name], payload)
        assert wrongs == []


@pytest.mark.parametrize("name", TYPES)
def test_a_consumer_lets_pass_what_is_unknown_and_nothing_else(name: str) -> None:
    for _, payload in labelled(name):
        wrongs = accepted_wrongs(lambda wrong: CATALOGUE.accepts(name, wrong), CATALOGUE.types[name], payload)
        assert {what.rpartition(": ")[2] for what in wrongs} == {"unknown"}


@pytest.mark.parametrize("name", TYPES)
def test_no_property_could_carry_a_text_or_a_name(name: str) -> None:
    schema = CATALOGUE.types[name].schema
    assert telling_names(schema) == []
    assert loose_strings(schema) == []


@pytest.mark.parametrize("name", TYPES)
def test_every_schema_says_what_it_is_and_what_its_properties_mean(name: str) -> None:
    schema = CATALOGUE.types[name].schema
    assert schema["$id"] == name
    assert schema["title"]
    assert schema["description"].endswith(".")
    assert undescribed(schema) == []


@pytest.mark.parametrize("name", TYPES)
def test_the_key_of_a_type_is_a_required_property_of_its_payload(name: str) -> None:
    kind = CATALOGUE.types[name]
    assert kind.key in KEYS
    assert kind.key in kind.schema["required"]
    assert kind.schema["properties"][kind.key]["type"] == "string"


@pytest.mark.parametrize("name", sorted(CATALOGUE.topics))
def test_every_topic_is_kept_for_thirty_days_at_most_or_compacted(name: str) -> None:
    config = CATALOGUE.topics[name].config
    if config["cleanup.policy"] == "compact":
        assert "retention.ms" not in config
    else:
        assert config["cleanup.policy"] == "delete"
        assert 0 < int(config["retention.ms"]) <= RETENTION_MS_MAX


@pytest.mark.parametrize("name", sorted(CATALOGUE.topics))
def test_every_topic_with_records_about_reviews_has_twelve_partitions(name: str) -> None:
    topic = CATALOGUE.topics[name]
    if any(CATALOGUE.types[each].key == "review_id" for each in topic.types):
        assert topic.partitions == 12
    else:
        assert 0 < topic.partitions <= 12


def test_producers_and_subscribers_are_services_of_this_repository() -> None:
    services = {each.name for each in (ROOT / "services").iterdir() if each.is_dir()}
    named = {service for kind in CATALOGUE.types.values() for service in kind.subscribers}
    producers = {each for topic in CATALOGUE.topics.values() for each in topic.producers}
    assert named <= services
    assert {each.service for each in producers} <= services
    assert all(each.source == f"/{each.service}" for each in producers)


def test_the_generated_documents_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncapi.main(["--check", "--docs", str(ROOT / "docs" / "events.md")]) == 0, capsys.readouterr().out


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi.asyncapi()
    references = list(references_in(document))
    assert len(references) > len(TYPES)
    for reference in references:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def references_in(node: Any) -> Iterator[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and "$ref" in node:
        yield node["$ref"]
    for child in children:
        yield from references_in(child)


# The checks complain about what they are there for.

GOOD = CATALOGUE.types["packet.unreleased.v1"]
PAYLOAD = labelled("packet.unreleased.v1")[0][1]


def forged(**properties: Any) -> dict[str, Any]:
    schema = copy.deepcopy(dict(GOOD.schema))
    schema["properties"].update(properties)
    return schema


@pytest.mark.parametrize(
    "name", ["reason_text", "comment", "employee_name", "final_rating", "mail", "title", "answers"]
)
def test_a_telling_property_name_is_found(name: str) -> None:
    assert telling_names(forged(**{name: {"type": "string", "maxLength": 9}})) == [f"/{name}"]


def test_a_telling_property_name_is_found_inside_of_lists_and_objects() -> None:
    inner = {"type": "object", "properties": {"note": {"type": "string", "maxLength": 9}}}
    schema = forged(rows={"type": "array", "items": inner}, place=inner)
    assert telling_names(schema) == ["/rows/items/note", "/place/note"]


def test_a_free_reason_is_found_and_a_coded_one_is_not() -> None:
    assert telling_names(forged(reason={"type": "string", "maxLength": 64})) == ["/reason"]
    assert telling_names(forged(reason={"type": "string", "enum": ["late"]})) == []


def test_a_judgement_that_calls_itself_an_id_is_found() -> None:
    assert telling_names(forged(rating_id={"type": "integer"})) == ["/rating_id"]


def test_a_string_without_a_limit_is_found_also_in_a_list() -> None:
    free = {"type": ["string", "null"]}
    assert loose_strings(forged(token=free, tokens={"type": "array", "items": free})) == ["/token", "/tokens"]


def test_a_property_without_a_description_is_found() -> None:
    assert undescribed(forged(token={"type": "string"})) == ["/token"]


def test_a_check_that_lets_everything_pass_is_found() -> None:
    wrongs = accepted_wrongs(lambda _: None, GOOD, PAYLOAD)
    assert {"unknown", "without epoch", "epoch of another type"} <= set(wrongs)


def test_a_missing_schema_example_or_topic_is_found() -> None:
    assert file_mismatches({"a", "b"}, {"b", "c"}, {"a": 1, "b": 0}) == [
        "a has no schema",
        "b has no example",
        "c is in no topic",
    ]


def test_an_example_that_shows_one_side_only_is_found() -> None:
    assert "operation_id" in one_sided(GOOD.schema, [PAYLOAD])


def test_a_generated_document_that_is_not_current_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "events.md"
    old.write_text("old", encoding="utf-8")
    assert asyncapi.main(["--check", "--docs", str(old)]) == 1
    assert str(old) in capsys.readouterr().out
