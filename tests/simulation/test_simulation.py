"""The amount of simulation that every run of the tests does: fixed seeds, in blocks that run side by side."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from simulation.acts import ACTS
from simulation.crew import played
from simulation.faults import FAULTS
from simulation.kept import kept_seeds
from simulation.tally import Tally
from simulation.theatre import STEPS, Theatre, theatre

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.stack import Postgres
    from simulation.kept import Kept

BLOCKS, BLOCK_SEEDS = 4, 75
FIRST_SEED = 1
BLOCK_S_MAX = 1500
pytestmark = [pytest.mark.slow, pytest.mark.timeout(BLOCK_S_MAX)]


@pytest.fixture(scope="module")
def stage(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with theatre(postgres, tmp_path_factory.mktemp("simulation")) as one:
        yield one


@pytest.fixture
def tallies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that all processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tallies"
    folder.mkdir(exist_ok=True)
    return folder


def broken(stage: Theatre, seed: int, tally: Tally) -> str:
    outcome = stage.play(seed)
    tally.add(outcome.tally)
    if not outcome.violations:
        return ""
    again = f"python -m simulation --seed {seed} --steps {STEPS}"
    return f"{outcome.story}\nseed {seed}: {'; '.join(outcome.violations[:3])}\nagain: {again}"


@pytest.mark.parametrize("kept", kept_seeds(), ids=lambda one: str(one.seed))
def test_a_story_that_is_kept_breaks_no_rule(stage: Theatre, kept: Kept) -> None:
    found = broken(stage, kept.seed, Tally())
    assert not found, found


def test_a_seed_tells_the_same_story_again(stage: Theatre) -> None:
    first = stage.play(FIRST_SEED)
    between = stage.play(FIRST_SEED + 1)
    assert between.story != first.story
    assert stage.play(FIRST_SEED).story == first.story


def test_a_seed_tells_the_same_story_in_other_processes_whose_hashes_are_others(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories = []
    for hashes in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", hashes)
        stories += [one.story for one in played(postgres, tmp_path, [FIRST_SEED], steps=STEPS, workers=2)]
    assert stories[0] == stories[1]
    assert len(stories[0].splitlines()) > STEPS


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_rule_is_broken_and_everything_is_reached(stage: Theatre, tallies: Path, block: int) -> None:
    tally = Tally()
    first = FIRST_SEED + block * BLOCK_SEEDS
    for seed in range(first, first + BLOCK_SEEDS):
        found = broken(stage, seed, tally)
        assert not found, found
    (tallies / f"{block}.json").write_text(json.dumps(tally.document()), encoding="utf-8")
    files = sorted(tallies.glob("*.json"))
    if len(files) == BLOCKS:
        # Whoever comes last knows what all of them have reached.
        for file in set(files) - {tallies / f"{block}.json"}:
            tally.add(Tally.of(json.loads(file.read_text(encoding="utf-8"))))
        print(*tally.lines(), sep="\n")
        assert tally.missing((one.name for one in ACTS), (one.name for one in FAULTS)) == []
