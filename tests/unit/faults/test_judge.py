"""The judge of fault runs: silent where all is well, and each lie is found, by its own name and nothing else."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import faults.judge
from faults import lies, lies_about_consent, lies_about_mails
from faults.forgery import HELEN, MAX, Forgery, answers, clean, is_call, time_of
from faults.judge.history import Disturbance, Told, load
from faults.judge.mails import released_mails_are_decided_on_while_released, released_mails_only_while_released
from faults.judge.verdict import RULES, judge

if TYPE_CHECKING:
    from collections.abc import Callable


def found(history: Forgery) -> list[str]:
    return [one.rule for one in judge(history.history())]


def test_where_all_is_well_nothing_is_found() -> None:
    assert judge(clean().history()) == []


@pytest.mark.parametrize(("rule", "lie"), [(rule, lie) for rule, each in lies.LIES.items() for lie in each])
def test_each_lie_is_found_by_its_rule_and_by_no_other(rule: str, lie: Callable[[Forgery], None]) -> None:
    made = clean()
    lie(made)
    assert found(made) == [rule]


def test_every_rule_has_a_lie() -> None:
    assert lies.LIES.keys() == RULES.keys()


@pytest.mark.parametrize("lie", lies_about_mails.BY_THE_DECISION)
def test_what_only_the_decision_shows_is_not_seen_by_when_a_mail_arrived(lie: Callable[[Forgery], None]) -> None:
    made = clean()
    lie(made)
    assert list(released_mails_only_while_released(made.history())) == []
    assert len(list(released_mails_are_decided_on_while_released(made.history()))) == 1


def test_a_mail_that_was_decided_on_before_an_unrelease_may_arrive_after_it() -> None:
    made = clean()
    over = time_of(made, "unrelease", end=True)
    made.mails[0] = replace(made.mails[0], decided=over - 0.5, arrived=over + 4)
    assert found(made) == []


def test_many_that_are_taken_back_by_one_command_are_no_lie() -> None:
    made = clean()
    lies_about_consent.taken_back_with_others(made)
    assert found(made) == []


def test_an_edit_after_many_were_taken_back_is_no_lie_though_one_was_to_be_taken_back_later() -> None:
    made = clean()
    lies_about_consent.taken_back_with_others(made)
    made.call("unrelease", HELEN, 409)
    assert [one.began for one in made.calls if one.act == "edit"][-1] > time_of(made, "bulk", end=True)
    assert found(made) == []


def test_a_rating_that_stands_since_an_earlier_release_may_be_asked_for_again_and_one_that_nobody_set_may_not() -> None:
    made = clean()
    made.call("rate", HELEN, key="rate-1", body={"epoch": 7, "rating_version": 2})
    assert found(made) == ["lost"]
    rated = clean()
    told = rated.tell("/packets", "calibration.rating-changed", epoch=1)
    rated.rows["packets"]["packets"][0]["event_sequence"] = told.number
    rated.call("rate", HELEN, key="rate-1", body={"epoch": 7, "rating_version": 2})
    assert found(rated) == []


def test_a_release_that_waited_may_come_at_its_instant_and_one_asked_for_since_the_unrelease_at_once() -> None:
    made = clean()
    lies_about_consent.a_release_comes_before_its_instant(made)
    late = next(index for index, one in enumerate(made.calls) if one.act == "later")
    sent = {"not_before": datetime.fromtimestamp(made.calls[late].ended, UTC).isoformat()}
    made.calls[late] = replace(made.calls[late], sent=sent)
    assert found(made) == []


def test_a_release_whose_unrelease_overlaps_the_asking_may_stand() -> None:
    made = clean()
    lies_about_consent.a_release_that_waited_outlives_the_unrelease(made)
    made.change(is_call("unrelease", 202), began=0.0)
    assert found(made) == []


def test_a_mail_that_was_held_up_after_its_decision_is_no_lie() -> None:
    made = clean()
    lies_about_mails.a_mail_went_out_long_after_its_release_was_taken_back(made)
    began = time_of(made, "unrelease", end=True)
    made.faults.append(Disturbance(kind="pause", target="smtp", began=began, ended=began + 15))
    assert found(made) == []


def test_a_read_that_overlaps_the_unrelease_may_come_before_it() -> None:
    made = clean()
    lies.a_read_succeeds_after_the_unrelease_was_acknowledged(made)
    made.change(is_call("read", 200, nth=1), began=time_of(made, "unrelease"))
    assert found(made) == []


def test_a_save_without_an_answer_may_be_kept_or_not() -> None:
    for kept in (True, False):
        made = clean()
        made.call("edit", MAX, 0, key="w6w")
        made.call("edit", MAX, 412, key="w6w")
        if kept:
            lies.a_refused_text_is_kept(made)
            made.rows["assessment"]["content"][-1]["answers"] = answers("w6w")
        assert found(made) == []


def test_records_are_ordered_through_a_broker_that_forgot_everything() -> None:
    made = clean()
    half = len(made.records) // 2
    made.records = [replace(one, life=1 + (n >= half), offset=n % half) for n, one in enumerate(made.records)]
    assert found(made) == []


def test_a_history_is_read_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    for service, tables in clean().rows.items():
        (tmp_path / "rows" / f"{service}.json").write_text(json.dumps(tables))
    (tmp_path / "run.json").write_text(json.dumps(clean().history().run))
    _write(tmp_path / "calls.jsonl", [_fields(one) for one in clean().calls])
    _write(tmp_path / "mails.jsonl", [_fields(one) for one in clean().mails])
    _write(tmp_path / "faults.jsonl", [])
    _write(tmp_path / "records.jsonl", [_record(one) for one in clean().records])
    (tmp_path / "documents.json").write_text(json.dumps(clean().documents))
    history = load(tmp_path)
    assert (len(history.calls), len(history.records)) == (len(clean().calls), len(clean().records))
    assert judge(history) == []


def test_the_judge_imports_the_standard_library_only() -> None:
    folder = Path(faults.judge.__file__).parent
    names = set()
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    strangers = {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in strangers if not name.startswith("faults.judge")} == set()


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def _record(one: Told) -> dict[str, Any]:
    headers = {"ce_type": one.type, "ce_id": one.id, "ce_source": one.source}
    headers |= {"ce_sequence": str(one.number), "ce_correlationid": one.cause}
    place = {"life": one.life, "topic": one.topic, "partition": one.partition, "offset": one.offset}
    return {
        **place,
        "key": one.review,
        "headers": headers,
        "data": dict(one.data),
        "at": one.at,
        "occurred": one.occurred,
    }


def _write(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
