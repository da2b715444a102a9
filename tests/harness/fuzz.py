"""Every operation gets requests that schemathesis makes up from its document, as anybody, about what there is.

First it is carried out once, by somebody who may, in a state in which that can be done: the authorisation matrix knows
both. Half of what is made up then stays close to that request, with one part of it made up, and is undone; the rest is
made up altogether, but names things that exist as often as not, so that it also meets the rows behind them.
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

from harness.journey import undoing
from harness.matrix import lines
from harness.matrix_scenes import BY_COLUMN, SERVICE_SCOPES, scene
from harness.operations import of_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemathesis.core.transport import Response
    from schemathesis.schemas import APIOperation

    from harness.journey import Stage
    from harness.matrix import Line
    from harness.matrix_scenes import Target
    from harness.operations import Operation

    Described = APIOperation[Any, Any, Any, Any]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STATES = ("in_session", "scheduled", "released", "signed")
SETTLE_EVERY = 50
ADMITTED = {"ok", "in"}
PARTS = ("path_parameters", "query", "body", "headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A request that is carried out: about what, and its parts."""

    target: Target
    parts: Mapping[str, Any]


@dataclass(slots=True)
class Fuzz:
    """One world, in which several reviews stand in different states, and the operations of one service."""

    stage: Stage
    targets: Mapping[str, Target]
    described: tuple[Described, ...]
    known: Mapping[str, Operation]
    statuses: Counter[int] = field(default_factory=Counter)
    # Operations that were answered with a success, by who asked for it: the known request, or one that was made up.
    carried_out: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    cases: int = 0

    @classmethod
    def on(cls, service: str, stages: Iterable[Stage]) -> Fuzz:
        """Tell a review as far as each of the states, and as each operation needs to be carried out."""
        told = iter(stages)
        stage = next(told)
        document = schemathesis.openapi.from_wsgi("/openapi.json", stage.world.apps[service])
        described = tuple(one.ok() for one in document.get_all_operations() if isinstance(one, Ok))
        known = {one.name: one for one in of_document(service, document.raw_schema)}
        states = dict.fromkeys([*STATES, *(line.state for line in map(_line, known) if line)])
        targets = {state: scene(each, state) for state, each in zip(states, told, strict=False)}
        return cls(stage=stage, targets=targets, described=described, known=known)

    def carry_out(self) -> list[str]:
        """Send each operation as somebody who may, and undo it; return those that are not answered with a success.

        Raises what schemathesis raises for an answer that is not as documented.
        """
        for each in self.described:
            known = self._known(each.label)
            if known is None:
                continue
            case = each.Case(**{name: part for name, part in known.parts.items() if name != "headers"})
            with undoing(self.stage.world):
                if self._send(case, known.parts["headers"]) < 300:
                    self.carried_out.add(each.label)
        return [each.label for each in self.described if each.label not in self.carried_out]

    def run(self, operation: Described, cases: int, seed: int) -> None:
        """Send so many requests; raises what schemathesis raises for the smallest answer that is not as documented."""
        known = self._known(operation.label)

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
            if known is not None and chosen.draw(st.booleans()):
                self._send_near(case, known, chosen)
            else:
                self._send_anything(case, chosen)
            if self.cases % SETTLE_EVERY == 0:
                self.stage.settle()

        send()

    def _known(self, label: str) -> Known | None:
        line = _line(label)
        if line is None or label not in self.known:
            return None
        operation, target = self.known[label], self.targets[line.state]
        column = next(column for column, cell in line.cells.items() if cell in ADMITTED)
        headers = {"Authorization": target.token(column if column in SERVICE_SCOPES else BY_COLUMN[column])}
        if operation.is_command:
            headers["Idempotency-Key"] = self.stage.story.gateway.next_key()
        if operation.is_versioned:
            headers["If-Match"] = target.version(operation)
        parts: dict[str, Any] = {"headers": headers, "query": {}}
        parts["path_parameters"] = {name: one for name, one in target.ids.items() if f"{{{name}}}" in operation.path}
        if operation.body is not None:
            parts |= {"body": target.body(operation), "media_type": "application/json"}
        return Known(target=target, parts=parts)

    def _send_near(self, case: Any, known: Known, chosen: st.DataObject) -> None:
        made_up = chosen.draw(st.sampled_from(PARTS))
        for name in ("path_parameters", "query", "body"):
            if name != made_up and name in known.parts:
                setattr(case, name, known.parts[name])
        headers = dict(known.parts["headers"])
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = self.stage.story.gateway.next_key()
        if made_up == "headers":
            headers |= self._headers(known.target, chosen)
        with undoing(self.stage.world):
            self._note(case, self._send(case, headers))

    def _send_anything(self, case: Any, chosen: st.DataObject) -> None:
        target = chosen.draw(st.sampled_from(list(self.targets.values())))
        for name in case.path_parameters or {}:
            if name in target.ids and chosen.draw(st.booleans()):
                case.path_parameters[name] = target.ids[name]
        self._note(case, self._send(case, self._headers(target, chosen)))

    def _note(self, case: Any, status: int) -> None:
        self.cases += 1
        self.statuses[status] += 1
        if status < 300:
            self.reached.add(case.operation.label)

    def _headers(self, target: Target, chosen: st.DataObject) -> dict[str, str]:
        headers = {"Authorization": chosen.draw(st.sampled_from(self._tokens(target)))}
        if chosen.draw(st.booleans()):
            headers["Idempotency-Key"] = self.stage.story.gateway.next_key()
        if chosen.draw(st.booleans()):
            headers["If-Match"] = f'"{chosen.draw(st.sampled_from(sorted(map(str, target.versions.values()))))}"'
        return headers

    def _send(self, case: Any, headers: Mapping[str, str]) -> int:
        answer: Response = case.call(headers=dict(headers))
        case.validate_response(answer, checks=CHECKS, headers=dict(headers))
        return answer.status_code

    def _tokens(self, target: Target) -> list[str]:
        tokens = [target.token(one) for one in BY_COLUMN.values()] + [target.token(one) for one in SERVICE_SCOPES]
        return [one for one in tokens if one is not None]


def _line(label: str) -> Line | None:
    """The line of the matrix that tells who carries the operation out: one of the states that are told anyway, if any.

    None: it has no such line, which the matrix does not allow.
    """
    found = [line for line in lines() if line.operation == label and ADMITTED & set(line.cells.values())]
    return next((line for line in found if line.state in STATES), found[0] if found else None)
