"""The cache of the local stack: what is in it is whole, and made once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from harness.stack.cache import cache_root, cached

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_in_the_cache_is_not_built_again(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(draft: Path) -> None:
        built.append(draft)
        (draft / "file").write_text("whole")

    first = cached(tmp_path, "thing", build)
    second = cached(tmp_path, "thing", build)
    assert (first, len(built)) == (second, 1)
    assert (first / "file").read_text() == "whole"


def test_a_build_that_fails_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    def build(draft: Path) -> None:
        (draft / "file").write_text("half")
        raise OSError("the network went away")

    with pytest.raises(OSError, match="network"):
        cached(tmp_path, "thing", build)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    assert cached(tmp_path, "thing", lambda draft: (draft / "file").touch()).is_dir()


def test_two_runs_at_once_build_once_and_both_get_it(tmp_path: Path) -> None:
    built: list[Path] = []
    together = threading.Barrier(2)

    def run() -> None:
        together.wait(10)
        cached(tmp_path, "thing", built.append)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(built) == 1


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "review-system"
