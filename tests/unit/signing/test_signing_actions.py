"""What `actions` says is what the commands do, for every state and role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.words import ADVICE, spoken
from signing.domain import actions, completion, revocation, signature
from signing.domain.ids import PersonId
from signing.domain.people import Actor, relation
from signing.domain.record import HOLDER_OF, Holder, HoldState, Register, SelfState, SigningRecord
from signing.domain.refusals import Refusal
from unit.signing.signing_builders import (
    AS_EMPLOYEE,
    EMPLOYEE,
    LINE,
    MANAGER,
    agreement,
    blank,
    having,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from signing.domain.facts import Step

E = Holder.SIGNATURE_EMPLOYEE
M = Holder.SIGNATURE_MANAGER
C = Holder.COMPLETION


def registers(holder: Holder) -> st.SearchStrategy[Register]:
    of = {HoldState.REVOKING: 3}
    return st.sampled_from([having(holder, state, of.get(state, 2)).register(holder) for state in HoldState])


RECORDS = st.builds(
    opened,
    released=st.booleans(),
    self_state=st.sampled_from(SelfState),
    closed=st.booleans(),
    cancelled=st.booleans(),
    employee=registers(E),
    manager=registers(M),
    completion=registers(C),
    tried_epoch=st.sampled_from([0, 1]),
    revoked_epoch=st.just(0),
)
ACTORS = st.builds(
    Actor,
    person_id=st.sampled_from([EMPLOYEE, MANAGER, PersonId("p-hr"), PersonId("p-else")]),
    roles=st.frozensets(st.sampled_from(["hr_admin", "hr_assistant", "service"])),
)


def outcome(state: SigningRecord, command: Callable[[], Step]) -> tuple[SigningRecord, list[tuple[str, str]]]:
    try:
        return command()[0], []
    except Refusal as refusal:
        return state, [spoken(each) for each in refusal.unmet]


@given(state=RECORDS, actor=ACTORS, line=st.sampled_from([LINE, {**LINE, PersonId("p-hr"): EMPLOYEE}, {}]))
def test_actions_say_what_the_commands_do(
    state: SigningRecord, actor: Actor, line: dict[PersonId, PersonId | None]
) -> None:
    rel = relation(state, actor, line)
    if rel.outsider or actions.unmet_ask_actions(rel):
        with pytest.raises(Refusal):
            actions.actions(state, rel)
        return
    current = agreement()
    if rel.signer is not None:
        said = state.register(HOLDER_OF[rel.signer]).comment_hash
        current = agreement(comment_hash=said)
    commands = {
        "sign": lambda: signature.sign(state, rel, current),
        "revoke": lambda: revocation.revoke(state, rel),
        "complete": lambda: completion.complete(state, rel),
    }
    for action in actions.actions(state, rel):
        after, unmet = outcome(state, commands[action.name])
        assert unmet == [spoken(each) for each in action.unmet]
        assert [code for code, words in unmet if not ADVICE.fullmatch(words)] == []
        assert action.allowed is (unmet == [])
        assert action.changes is (after is not state)


def test_somebody_of_whom_nothing_is_known_yet_signs_nothing() -> None:
    assert [each.code for each in signature.unmet_sign(blank(), AS_EMPLOYEE)] == ["not-released"]
