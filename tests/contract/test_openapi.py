"""The descriptions of the HTTP APIs: valid, current, and complete enough to be read by a machine."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from harness.openapi import ROOT, description
from harness.people import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = {"get", "put", "post", "patch", "delete"}


def committed(service: str) -> dict[str, Any]:
    text = (ROOT / "services" / service / "openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def invalid(document: dict[str, Any]) -> list[str]:
    return [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def nameless(document: dict[str, Any]) -> list[str]:
    """Operations without a summary or problem document, and those whose headers are not marked as what they are.

    A POST under /v1 needs an idempotency key; and who takes a version refuses without it.
    """
    found = []
    for name, operation in operations(document):
        if not operation.get("summary"):
            found.append(f"{name} has no summary")
        if "application/problem+json" not in operation["responses"].get("default", {}).get("content", {}):
            found.append(f"{name} names no problem")
        needs_key = name.startswith("POST /v1/")
        keys = [one for one in operation.get("parameters", ()) if one["name"] == "Idempotency-Key"]
        if needs_key and not all(one["required"] for one in keys or [{"required": False}]):
            found.append(f"{name} asks for no idempotency key")
        if not all(one["required"] for one in operation.get("parameters", ()) if one["name"] == "If-Match"):
            found.append(f"{name} refuses without If-Match and does not say so")
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_description_is_what_the_service_says_of_itself(service: str) -> None:
    path = ROOT / "services" / service / "openapi.json"
    assert path.read_text(encoding="utf-8") == description(service), "run `python -m harness.openapi --write`"


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_description_is_valid(service: str) -> None:
    assert invalid(committed(service)) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_says_what_it_does_and_how_it_refuses(service: str) -> None:
    document = committed(service)
    assert len(list(operations(document))) > 1
    assert nameless(document) == []


@pytest.mark.parametrize("service", SERVICES)
def test_no_two_operations_have_one_id(service: str) -> None:
    ids = [one["operationId"] for _, one in operations(committed(service)) if "operationId" in one]
    assert len(ids) == len(set(ids))


def test_an_invalid_description_is_found() -> None:
    document = copy.deepcopy(committed("assessment"))
    del document["info"]["version"]
    assert len(invalid(document)) == 1


def test_an_operation_that_says_nothing_is_found() -> None:
    version = {"in": "header", "name": "If-Match", "required": False}
    document: dict[str, Any] = {"paths": {"/v1/things": {"post": {"responses": {}, "parameters": [version]}}}}
    assert nameless(document) == [
        "POST /v1/things has no summary",
        "POST /v1/things names no problem",
        "POST /v1/things asks for no idempotency key",
        "POST /v1/things refuses without If-Match and does not say so",
    ]
