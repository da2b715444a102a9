"""A PostgreSQL that was named and is not there ends the start with one sentence, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.enable_socket
@pytest.mark.parametrize("url", ["postgresql://x:hidden@127.0.0.1:1/x", "nonsense hidden"], ids=["away", "nonsense"])
def test_a_named_postgres_that_is_not_there_is_said_by_its_variable(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVIEW_POSTGRES_URL", url)
    with pytest.raises(RuntimeError, match="REVIEW_POSTGRES_URL") as said:
        Stack.start(var_dir=tmp_path)
    assert "\n" not in str(said.value)
    assert "hidden" not in str(said.value)
    assert list(tmp_path.iterdir()) == []
