"""A flag is true or false: what merely looks true must not revoke a signature."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import pytest
from marshmallow import ValidationError
from marshmallow.fields import Boolean

from harness.people import SERVICES
from reviewbus.schema import Body, Flag, Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@pytest.mark.parametrize("almost", ["yes", "true", 1, 0, "off", None])
def test_what_looks_like_a_flag_is_refused(almost: object) -> None:
    assert (Flag().deserialize(value=True), Flag().deserialize(value=False)) == (True, False)
    with pytest.raises(ValidationError):
        Flag().deserialize(almost)


@pytest.mark.parametrize("service", SERVICES)
def test_no_body_takes_a_lenient_boolean(service: str) -> None:
    bodies = {one for module in modules(f"{service}.schemas") for one in bodies_of(module)}
    assert bodies
    lenient = [
        f"{one.__name__}.{name}"
        for one in bodies
        for name, field in one._declared_fields.items()
        if type(field) is Boolean
    ]
    assert lenient == []


def test_a_lenient_boolean_is_found() -> None:
    class Lenient(Body):
        sure = Boolean()

    assert [type(field) for field in Lenient._declared_fields.values()] == [Boolean]


def bodies_of(module: ModuleType) -> Iterator[type[Body]]:
    for one in vars(module).values():
        # The flags of a query are words, so a list's filters may say true and false.
        if isinstance(one, type) and issubclass(one, Body) and not issubclass(one, Page):
            yield one


def modules(name: str) -> Iterator[ModuleType]:
    package = importlib.import_module(name)
    yield package
    for info in pkgutil.iter_modules(getattr(package, "__path__", [])):
        yield importlib.import_module(f"{name}.{info.name}")
