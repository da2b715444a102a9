"""The examples that ship with the contracts: payloads of every type, for tests and documentation."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def examples(name: str) -> list[dict[str, Any]]:
    """Return the example payloads of a type, in the order of their file names; raises OSError for an unknown type."""
    return [payload for _, payload in labelled(name)]


def labelled(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the example payloads of a type, each with its label, which says what is particular about it."""
    folder = files("reviewbus").joinpath("contracts", "examples", name)
    found = sorted(folder.iterdir(), key=lambda each: each.name)
    return [(each.name.removesuffix(".json"), json.loads(each.read_text(encoding="utf-8"))) for each in found]
