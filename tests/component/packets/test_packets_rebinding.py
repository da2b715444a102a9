"""How far a cycle's packets are in following its newest selection: in chunks, with what keeps an older one told."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from component.packets.many import ABOVE, DRAFT, MANY, cycle
from component.packets.packets_office import CYCLE, GOALS, GROWTH, HR, MANAGER, Office
from packets import store
from packets.commands import selection as commands
from packets.domain.packet import PacketState
from packets.domain.selection import binding

if TYPE_CHECKING:
    import pytest

PATH = f"/v1/shared-questions/{CYCLE}"


def _choose(office: Office, *question_ids: str) -> dict[str, Any]:
    version = office.get(HR, PATH).json["version"]
    answer = office.put(HR, PATH, {"question_ids": list(question_ids), "rating": True}, version=version)
    assert answer.status_code == 200, answer.json
    return dict(answer.json["rebinding"])


def _rebinding(office: Office, person: str = HR) -> dict[str, Any]:
    return dict(office.get(person, PATH).json["rebinding"])


def test_packets_follow_a_new_selection_and_it_is_told_how_many_are_still_to(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle(office)
    assert _rebinding(office) == {"bound": 8, "to_rebind": 0, "kept": 0}
    monkeypatch.setattr(commands, "CHUNK_ROWS", 3)
    assert _choose(office, GROWTH) == {"bound": 0, "to_rebind": 8, "kept": 0}
    with office.service.db.begin() as tx:
        reached = commands.rebind(tx, CYCLE, after=None)
    assert reached is not None
    # Nine in the order of their ids; the first three are not HR's own.
    assert _rebinding(office) == {"bound": 3, "to_rebind": 5, "kept": 0}
    office.work()
    assert _rebinding(office) == {"bound": 8, "to_rebind": 0, "kept": 0}


def test_what_is_released_keeps_its_selection_until_it_comes_back(office: Office) -> None:
    office.ready()
    office.released()
    _choose(office, GOALS)
    office.work()
    assert _rebinding(office) == {"bound": 0, "to_rebind": 0, "kept": 1}
    office.unrelease()
    assert _rebinding(office) == {"bound": 0, "to_rebind": 0, "kept": 1}
    office.answer("released", 3)
    assert (office.state(), _rebinding(office)) == ("ready", {"bound": 1, "to_rebind": 0, "kept": 0})


def test_the_figures_leave_out_the_readers_own_packet(office: Office) -> None:
    cycle(office)
    assert sum(_rebinding(office).values()) == len([*MANY, ABOVE, DRAFT])
    answer = office.get(MANAGER, PATH)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden-role")


def test_the_figures_are_those_of_the_decision_in_every_state(office: Office) -> None:
    cycle(office)
    ids = [*MANY, ABOVE, DRAFT]
    cases = list(itertools.product(PacketState, (False, True), (0, 1)))
    for start in range(0, len(cases), len(ids)):
        chosen = dict(zip(ids, cases[start : start + len(ids)], strict=False))
        for each, (state, signed, version) in chosen.items():
            holds = json.dumps([["signature:employee", 2, False], ["completion", 2, signed]])
            statement = "update packets set state = %s, holds = %s, selection_version = %s where review_id = %s"
            office.do(statement, state.value, holds, version, each)
        with office.service.db.begin() as tx:
            found = store.read_many(tx, ids)
            selection = store.Library(tx).selection(CYCLE)
        decided = [binding(each, selection).value for each in found.values()]
        wanted = {word: decided.count(word) for word in ("bound", "to_rebind", "kept")}
        assert _rebinding(office) == wanted, chosen
