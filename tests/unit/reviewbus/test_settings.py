"""Settings: read once from the environment, with a service's own value before the common one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass

import pytest
from environs import EnvError

from reviewbus.settings import BusSettings, read, read_bus

NEEDED = {
    "REVIEW_DATABASE_URL": "postgresql+psycopg://db/x",
    "REVIEW_JWT_ISSUER": "https://login.example",
    "REVIEW_JWT_AUDIENCE": "us",
    "REVIEW_JWKS": "keys.json",
}


@pytest.fixture(autouse=True)
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_what_is_not_told_has_its_default() -> None:
    bus = read_bus("shop")
    assert bus == BusSettings(
        service="shop",
        database_url="postgresql+psycopg://db/x",
        jwt_issuer="https://login.example",
        jwt_audience="us",
        jwks="keys.json",
    )
    assert bus.is_production
    assert (bus.source, bus.group) == ("/shop", "shop")


def test_a_services_own_value_comes_before_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEW_DATABASE_POOL", "3")
    monkeypatch.setenv("REVIEW_SHOP_DATABASE_POOL", "7")
    assert read_bus("shop").database_pool == 7
    assert read_bus("till").database_pool == 3


def test_values_have_the_kinds_of_their_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEW_OUTBOX_NOTIFY", "off")
    monkeypatch.setenv("REVIEW_PEER_TIMEOUT_S", "0.5")
    monkeypatch.setenv("REVIEW_PEERS", "shop=http://shop:8000,till=http://till:8000")
    monkeypatch.setenv("REVIEW_KAFKA_GROUP_PREFIX", "blue-")
    bus = read_bus("shop")
    assert bus.outbox_notify is False
    assert bus.peer_timeout_s == 0.5
    assert bus.peers == {"shop": "http://shop:8000", "till": "http://till:8000"}
    assert bus.group == "blue-shop"


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(EnvError, match=missing):
        read_bus("shop")


def test_all_that_is_missing_or_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEEDED:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REVIEW_PORT", "eighty")
    with pytest.raises(EnvError) as raised:
        read_bus("shop")
    assert [name for name in (*NEEDED, "REVIEW_PORT") if str(raised.value).count(f'"{name}"') != 1] == []


@pytest.mark.parametrize("name", ["REVIEW_SHOP_PORT", "REVIEW_PORT"])
def test_a_value_of_the_wrong_kind_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "eighty")
    with pytest.raises(EnvError, match=name):
        read_bus("shop")


def test_a_service_reads_fields_of_its_own_beside_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Own:
        bus: BusSettings
        smtp_host: str
        mails_per_minute: int = 60

    bus = read_bus("shop")
    with pytest.raises(EnvError, match="REVIEW_SMTP_HOST"):
        read(Own, "shop", bus=bus)
    monkeypatch.setenv("REVIEW_SHOP_SMTP_HOST", "mail")
    own = read(Own, "shop", bus=bus)
    assert (own.bus, own.smtp_host, own.mails_per_minute) == (bus, "mail", 60)


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        read_bus("shop").port = 1  # type: ignore[misc]
