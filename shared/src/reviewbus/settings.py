"""The settings that every service has, read once from the environment and then passed on as one frozen value."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from environs import Env
from environs import EnvError as EnvError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
_READERS = {"str": "str", "int": "int", "float": "float", "bool": "bool", "Mapping[str, str]": "dict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """What the chassis needs to know.

    URLs of databases are SQLAlchemy URLs (`postgresql+psycopg://…`); times are seconds unless the name says otherwise.
    `peers` maps a service's name to its base URL, for calls between services.
    """

    service: str
    environment: str = "production"
    database_url: str
    migration_url: str = ""
    database_pool: int = 10
    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 5_000
    kafka_bootstrap: str = ""
    kafka_group_prefix: str = ""
    kafka_session_timeout_ms: int = 10_000
    kafka_replication: int = 1
    outbox_notify: bool = True
    relay_batch: int = 2_000
    consume_batch: int = 500
    bind: str = "127.0.0.1"
    port: int = 8000
    health_port: int = 0
    web_workers: int = 2
    web_threads: int = 8
    jwt_issuer: str
    jwt_audience: str
    jwks: str
    service_token_file: str = ""
    peers: Mapping[str, str] = field(default_factory=dict)
    peer_timeout_s: float = 5.0
    reconcile_after_s: float = 5.0
    reconcile_every_s: float = 2.0
    reconcile_backoff_s_max: float = 300.0
    sweep_every_s: float = 3_600.0
    body_bytes_max: int = 1024 * 1024
    log_level: str = "INFO"
    crash_point: str = ""
    crash_marker: str = ""

    @property
    def source(self) -> str:
        """The CloudEvents source of this service, such as `/orders`."""
        return f"/{self.service}"

    @property
    def group(self) -> str:
        """The Kafka consumer group of this service."""
        return f"{self.kafka_group_prefix}{self.service}"

    @property
    def is_production(self) -> bool:
        """Say whether what is only for development must be refused."""
        return self.environment == "production"


def read(cls: type[T], scope: str, /, **given: Any) -> T:
    """Read a settings dataclass for the service `scope` from the environment; fields in `given` are taken as they are.

    The field `kafka_bootstrap` of the service `orders` is read from `REVIEW_ORDERS_KAFKA_BOOTSTRAP`, else from
    `REVIEW_KAFKA_BOOTSTRAP`, else it has its default. Absent fields without default, and values of the wrong kind,
    raise one `environs.EnvError` naming all of their variables.
    """
    env = Env()
    values = dict(given)
    wrong: list[str] = []
    for one in fields(cls):  # type: ignore[arg-type]
        if one.name not in values:
            try:
                values[one.name] = _value(env, scope, one)
            except EnvError as error:
                wrong.append(str(error))
    if wrong:
        raise EnvError("; ".join(wrong))
    return cls(**values)


def read_bus(service: str) -> BusSettings:
    """Read the chassis settings of `service` from the environment."""
    return read(BusSettings, service, service=service)


def _value(env: Env, service: str, one: Field[Any]) -> Any:
    reader = getattr(env, _READERS[str(one.type)])
    name = one.name.upper()
    missing = object()
    own = reader(f"REVIEW_{service.upper()}_{name}", missing)
    if own is not missing:
        return own
    if one.default is not MISSING:
        return reader(f"REVIEW_{name}", one.default)
    if one.default_factory is not MISSING:
        return reader(f"REVIEW_{name}", one.default_factory())
    return reader(f"REVIEW_{name}")
