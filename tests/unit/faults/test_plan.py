"""The plan of a fault run: the seed decides it."""

from __future__ import annotations

import pytest

from faults.plan import PROCESSES, SERVERS, Kind, others, plan

ROUTES = ("kafka", "smtp", "postgres-packets", "peer-assessment")


@pytest.mark.parametrize("kills", [1, 10, 40, 200])
def test_so_many_kills_are_planned_as_are_wanted(kills: int) -> None:
    assert sum(one.is_kill for one in plan(1, kills=kills, routes=ROUTES)) == kills


@pytest.mark.parametrize("wipe", [True, False])
@pytest.mark.parametrize("kills", [1, 2, 20, 41])
def test_as_many_other_faults_are_planned_as_are_told_before(kills: int, *, wipe: bool) -> None:
    faults = plan(1, kills=kills, routes=ROUTES, wipe=wipe)
    assert sum(not one.is_kill for one in faults) == others(kills, wipe=wipe)


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    assert plan(1, kills=40, routes=ROUTES) == plan(1, kills=40, routes=ROUTES)
    assert plan(1, kills=40, routes=ROUTES) != plan(2, kills=40, routes=ROUTES)


def test_forty_kills_hit_every_process_and_server() -> None:
    killed = {one.target for one in plan(3, kills=40, routes=ROUTES) if one.kind is Kind.KILL}
    assert killed == {*PROCESSES, *SERVERS}


def test_between_the_kills_processes_pause_connections_break_and_kafka_forgets_everything_once() -> None:
    kinds = [one.kind for one in plan(4, kills=40, routes=ROUTES)]
    assert kinds.count(Kind.WIPE) == 1
    assert kinds.count(Kind.PAUSE) >= 5
    assert kinds.count(Kind.BREAK) >= 10


def test_the_mail_server_is_left_alone_at_the_end() -> None:
    faults = plan(5, kills=100, routes=ROUTES)
    assert not any("smtp" in one.target for one in faults[len(faults) * 3 // 4 :])
