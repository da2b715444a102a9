"""What is promised for the hour without one of them: kept by good calls, and each broken promise is named."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import faults
from faults.judge.history import Call
from faults.outages import OWNER, PROMISES, RECOVERY_S_MAX, Spell, hold_against

if TYPE_CHECKING:
    from collections.abc import Sequence


def call(act: str, status: int, *, at: float = 10.0, **body: Any) -> Call:
    return Call(
        who="p",
        act=act,
        review="r1",
        key="",
        trace="",
        tag="",
        sent=None,
        began=at,
        ended=at + 1,
        status=status,
        body=body,
    )


GOOD = {
    "assessment": [
        call("edit", 0),
        call("read", 200, epoch=1),
        call("release", 202, epoch=2),
        call("unrelease", 202, epoch=1, state="unreleasing"),
    ],
    "packets": [call("edit", 200), call("read", 0), call("sign", 202), call("release", 0)],
    "kafka": [
        call("edit", 200),
        call("read", 200, epoch=1),
        call("release", 202, epoch=2),
        call("unrelease", 202, epoch=1, state="unreleasing"),
    ],
    "postgres": [call("edit", 503), call("read", 503), call("release", 0)],
}


def broken(name: str, calls: Sequence[Call], settle_s: float | None = 10.0) -> list[str]:
    spell = Spell(name=name, began=0.0, ended=60.0, settle_s=settle_s)
    hold_against(spell, calls)
    return spell.broken


@pytest.mark.parametrize("name", PROMISES)
def test_good_calls_keep_every_promise(name: str) -> None:
    assert broken(name, GOOD[name]) == []


@pytest.mark.parametrize("name", PROMISES)
def test_who_is_not_quiet_in_time_has_not_recovered(name: str) -> None:
    assert len(broken(name, GOOD[name], settle_s=None)) == 1
    assert len(broken(name, GOOD[name], settle_s=RECOVERY_S_MAX + 1)) == 1


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("assessment", call("send", 503)),
        ("assessment", call("read", 200, at=20, epoch=2)),
        ("packets", call("read", 200, epoch=1)),
        ("packets", call("share", 0)),
        ("kafka", call("submit", 503)),
        ("kafka", call("read", 200, at=20, epoch=2)),
        ("postgres", call("read", 200, epoch=1)),
    ],
)
def test_each_broken_promise_is_found(name: str, bad: Call) -> None:
    assert len(broken(name, [*GOOD[name], bad])) == 1


def test_what_did_not_happen_proves_nothing() -> None:
    assert broken("kafka", [one for one in GOOD["kafka"] if one.act != "unrelease"]) == [
        "nobody succeeded to unrelease"
    ]
    assert broken("postgres", [call("edit", 0)]) == ["nobody was told to come back"]


def test_what_overlaps_the_fall_or_the_return_may_be_either() -> None:
    edges = [call("edit", 503, at=0.5), call("edit", 0, at=58.5)]
    assert broken("kafka", [*GOOD["kafka"], *edges]) == []


def test_every_act_of_the_load_has_an_owner() -> None:
    tree = ast.parse((Path(faults.__file__).parent / "acts.py").read_text())
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    told = [one.args[1] for one in calls if ast.unparse(one.func).startswith("actor.") and len(one.args) > 1]
    acts = {one.value for one in told if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    assert {"edit", "rating", "release", "sign"} <= acts
    assert acts - OWNER.keys() == set()
