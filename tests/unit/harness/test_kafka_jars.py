"""The jars of Kafka: none is used whose bytes the lock does not name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from harness.stack import kafka_jars
from harness.stack.kafka_jars import LOCK, jars

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache that holds one jar, and a lock that names it."""
    lock = tmp_path / "kafka.lock"
    lock.write_text(f"# made by hand\norg.example:thing:1.0 {hashlib.sha256(b'jar').hexdigest()}\n")
    monkeypatch.setattr(kafka_jars, "LOCK", lock)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = tmp_path / "review-system" / f"kafka-{kafka_jars.KAFKA_VERSION}-{digest}"
    folder.mkdir(parents=True)
    (folder / "thing-1.0.jar").write_bytes(b"jar")
    return folder


def test_jars_that_match_the_lock_are_used_without_asking_anybody(cache: Path) -> None:
    assert jars() == cache


def test_a_jar_with_other_bytes_than_the_lock_names_is_refused(cache: Path) -> None:
    (cache / "thing-1.0.jar").write_bytes(b"another jar")
    with pytest.raises(RuntimeError, match="checksum"):
        jars()


def test_the_lock_names_every_jar_once_and_no_host() -> None:
    lines = [line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    names = [coordinate.rpartition(":")[0] for coordinate, _ in lines]
    assert len(set(names)) == len(names)
    assert all(len(checksum) == 64 for _, checksum in lines)
    assert "://" not in LOCK.read_text()
