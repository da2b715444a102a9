"""What may travel: topics, event types and their schemas, read from the files in `contracts/`.

A producer validates strictly, before the record is stored: what its schema does not name is refused. A consumer is
tolerant: it checks what the schema names and ignores the rest, so that a producer may add optional fields first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import fastjsonschema
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable


class ContractBroken(Exception):
    """A payload that breaks the schema of its type, or whose type is unknown.

    `pointer` is the JSON Pointer of the offending place. No value of the payload is quoted, here or in the message.
    """

    def __init__(self, name: str, pointer: str, message: str) -> None:
        super().__init__(f"{name} {pointer}: {message}" if pointer else f"{name}: {message}")
        self.type = name
        self.pointer = pointer
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type and version. `key` is the property of the payload that is the key of the record."""

    type: str
    topic: str
    key: str
    schema: Mapping[str, Any]
    meaning: str
    subscribers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """A service that writes a topic, and the `ce_source` that its records carry."""

    service: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it is to be created: `config` holds Kafka's own keys. `types` are in the order of the files."""

    name: str
    description: str
    note: str
    partitions: int
    config: Mapping[str, str]
    producers: tuple[Producer, ...]
    types: tuple[str, ...]


class Catalogue:
    """All topics and types by name; a type's name carries its version. Validators are compiled at first use."""

    def __init__(self, topics: Mapping[str, Topic], types: Mapping[str, EventType]) -> None:
        self.topics = topics
        self.types = types
        self._checks: dict[tuple[str, bool], Callable[[dict[str, Any]], object]] = {}

    @classmethod
    def load(cls) -> Catalogue:
        """Return the catalogue that ships with this package; read once per process."""
        return _shipped()

    @classmethod
    def read(cls, contracts: Traversable) -> Catalogue:
        """Read a folder laid out as `contracts/`; raises KeyError or OSError where a part is missing."""
        topics: dict[str, Topic] = {}
        types: dict[str, EventType] = {}
        for file in sorted(contracts.joinpath("topics").iterdir(), key=lambda each: each.name):
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
            topic = _topic(document)
            topics[topic.name] = topic
            for name, entry in document["types"].items():
                if name in types:
                    raise KeyError(f"{name} stands in two topics")
                types[name] = _event_type(contracts, topic.name, name, entry)
        return cls(MappingProxyType(topics), MappingProxyType(types))

    def topic_of(self, name: str) -> str:
        """Return the name of the topic that carries a type; raises `ContractBroken` for an unknown one."""
        return self._known(name).topic

    def validate(self, name: str, data: Mapping[str, Any]) -> None:
        """Check a payload to be emitted; raises `ContractBroken`, also for what the schema does not name."""
        self._check(name, data, strict=True)

    def accepts(self, name: str, data: Mapping[str, Any]) -> None:
        """Check a payload that came in; raises `ContractBroken`, but not for what the schema does not name."""
        self._check(name, data, strict=False)

    def _known(self, name: str) -> EventType:
        if name not in self.types:
            raise ContractBroken(name, "", "is not in the catalogue")
        return self.types[name]

    def _check(self, name: str, data: Mapping[str, Any], *, strict: bool) -> None:
        check = self._checks.get((name, strict))
        if check is None:
            schema = self._known(name).schema
            check = self._checks[name, strict] = fastjsonschema.compile(
                dict(schema) if strict else _tolerant(schema), use_default=False, use_formats=False
            )
        try:
            check(dict(data))
        except fastjsonschema.JsonSchemaValueException as broken:
            raise ContractBroken(name, _pointer(broken), _words(broken)) from None


@cache
def _shipped() -> Catalogue:
    return Catalogue.read(files("reviewbus").joinpath("contracts"))


def _topic(document: Mapping[str, Any]) -> Topic:
    return Topic(
        name=document["topic"],
        description=document["description"],
        note=document.get("note", ""),
        partitions=document["partitions"],
        config=MappingProxyType({key: str(value) for key, value in document["config"].items()}),
        producers=tuple(Producer(**each) for each in document["producers"]),
        types=tuple(document["types"]),
    )


def _event_type(contracts: Traversable, topic: str, name: str, entry: Mapping[str, Any]) -> EventType:
    schema = contracts.joinpath("events", f"{name}.schema.json").read_text(encoding="utf-8")
    return EventType(
        type=name,
        topic=topic,
        key=entry["key"],
        schema=MappingProxyType(json.loads(schema)),
        meaning=entry["meaning"],
        subscribers=tuple(entry["subscribers"]),
    )


def _tolerant(schema: Any) -> Any:
    """Return a schema without `additionalProperties`, at every depth."""
    if isinstance(schema, list):
        return [_tolerant(each) for each in schema]
    if isinstance(schema, Mapping):
        return {key: _tolerant(value) for key, value in schema.items() if key != "additionalProperties"}
    return schema


def _pointer(broken: fastjsonschema.JsonSchemaValueException) -> str:
    return "".join(f"/{step}" for step in broken.path[1:])


def _words(broken: fastjsonschema.JsonSchemaValueException) -> str:
    """Say which rule is broken from the schema and from property names alone: the library's own words quote values."""
    found = broken.value if isinstance(broken.value, dict) else {}
    if broken.rule == "required":
        return f"lacks {', '.join(sorted(set(broken.rule_definition) - set(found)))}"
    if broken.rule == "additionalProperties":
        return f"has unknown {', '.join(sorted(set(found) - set(broken.definition['properties'])))}"
    return f"breaks {broken.rule} {json.dumps(broken.rule_definition)}"
