"""Every operation gets requests that schemathesis makes up from its document, as anybody, about what there is.

A case keeps what was made up, but names things that exist as often as not, so that it also meets the rows behind them.
What is answered must be documented: no 5xx, the status, media type, headers and shape as in the document.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hypothesis
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from harness.matrix_scenes import BY_COLUMN, SERVICE_SCOPES, scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.core.transport import Response
    from schemathesis.schemas import APIOperation

    from harness.journey import Stage
    from harness.matrix_scenes import Target

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STATES = ("in_session", "scheduled", "released", "signed")
SETTLE_EVERY = 50


@dataclass(slots=True)
class Fuzz:
    """One world, in which several reviews stand in different states."""

    stage: Stage
    targets: tuple[Target, ...]
    statuses: Counter[int] = field(default_factory=Counter)
    cases: int = 0

    @classmethod
    def on(cls, stages: Iterator[Stage]) -> Fuzz:
        """Tell one review as far as each of the states; each needs a stage of its own in one world."""
        told = [(stage, scene(stage, state)) for stage, state in zip(stages, STATES, strict=False)]
        return cls(stage=told[-1][0], targets=tuple(target for _, target in told))

    def operations(self, service: str) -> list[APIOperation[Any, Any, Any, Any]]:
        """Return every operation of a service."""
        document = schemathesis.openapi.from_wsgi("/openapi.json", self.stage.world.apps[service])
        return [one.ok() for one in document.get_all_operations() if isinstance(one, Ok)]

    def run(self, operation: APIOperation[Any, Any, Any, Any], cases: int, seed: int) -> None:
        """Send so many requests; raises what schemathesis raises for the smallest answer that is not as documented."""

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=cases,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        )
        @hypothesis.given(case=operation.as_strategy(), chosen=st.data())
        def send(case: Any, chosen: st.DataObject) -> None:
            target = chosen.draw(st.sampled_from(self.targets))
            token = chosen.draw(st.sampled_from(self._tokens(target)))
            for name in case.path_parameters or {}:
                if name in target.ids and chosen.draw(st.booleans()):
                    case.path_parameters[name] = target.ids[name]
            headers = {"Authorization": f"Bearer {token}"}
            if chosen.draw(st.booleans()):
                headers["Idempotency-Key"] = self.stage.story.gateway.next_key()
            if chosen.draw(st.booleans()):
                headers["If-Match"] = f'"{chosen.draw(st.sampled_from(sorted(map(str, target.versions.values()))))}"'
            answer: Response = case.call(headers=headers)
            self.cases += 1
            self.statuses[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS, headers=headers)
            if self.cases % SETTLE_EVERY == 0:
                self.stage.settle()

        send()

    def _tokens(self, target: Target) -> list[str]:
        gateway = target.stage.story.gateway
        people = [gateway.as_(person).token for person in BY_COLUMN.values()]
        return people + [gateway.as_service(*named).token for named in SERVICE_SCOPES.values()]
