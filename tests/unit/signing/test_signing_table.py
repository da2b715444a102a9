"""The state table of a signature and of the completion, cell by cell, in its own rows and columns.

A cell reads `STATE fence: facts`; the facts of the register itself, in order, with their fence. `same` is the same
record and no facts, `200` and `202` an accepted command that changes nothing, a code a refusal with that code.
The NONE row stands after an earlier attempt (fences 2 and 3), LOST holds fence 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from signing.domain import answers, completion, knowledge, revocation
from signing.domain.facts import Alarm, HoldRequested, SigningClosed, SigningOpened
from signing.domain.record import Holder, HoldState, SigningRecord
from signing.domain.refusals import Refusal
from unit.signing.signing_builders import AS_HR, H2, having, opened, sign

if TYPE_CHECKING:
    from signing.domain.facts import Fact, Step

SIGNER_TABLE = """
state      | sign                          | granted(f)         | rejected(f)     | revoke                  | released(f+1)  | packet.released(2) | packet.unreleased(1) | unreleased(1), revoke   | superseded(f, 10)
NONE 3     | PENDING 4: requested 4, hold 4| same               | same            | nothing-to-revoke       | same           | NONE 3:            | NONE 3:              | NONE 3:                 | same
PENDING 4  | 202                           | SIGNED 4: made 4   | NONE 4: rejected 4| REVOKING 5: revoked 5, free 5 | same     | PENDING 4:         | PENDING 4:           | REVOKING 5: revoked 5, free 5 | PENDING 12: hold 12, alarm
SIGNED 4   | 200                           | same               | same            | REVOKING 5: revoked 5, free 5 | same     | SIGNED 4 stale: alarm | SIGNED 4:         | REVOKING 5: revoked 5, free 5 | same
REVOKING 5 | revocation-in-progress        | same               | same            | 202                     | NONE 5: opened | REVOKING 5:        | REVOKING 5:          | REVOKING 5:             | REVOKING 11: free 11, alarm
LOST 6     | signature-lost                | same               | same            | REVOKING 7: revoked 7, free 7 | same     | LOST 6:            | LOST 6:              | REVOKING 7: revoked 7, free 7 | same
"""  # noqa: E501 - a table is read in columns

COMPLETION_TABLE = """
state      | complete                      | granted(f)         | rejected(f)     | revoke                  | released(f+1)  | packet.released(2) | packet.unreleased(1) | unreleased(1), revoke   | superseded(f, 10)
NONE 3     | PENDING 4: requested 4, hold 4, closed | same      | same            | nothing-to-revoke       | same           | NONE 3:            | NONE 3:              | NONE 3:                 | same
PENDING 4  | 202                           | SIGNED 4: made 4   | NONE 4: rejected 4, opened| REVOKING 5: revoked 5, free 5 | same | PENDING 4:      | PENDING 4:           | REVOKING 5: revoked 5, free 5 | PENDING 12: hold 12, alarm
SIGNED 4   | 200                           | same               | same            | REVOKING 5: revoked 5, free 5 | same     | SIGNED 4 stale: alarm | SIGNED 4:         | REVOKING 5: revoked 5, free 5 | same
REVOKING 5 | revocation-in-progress        | same               | same            | 202                     | NONE 5: opened | REVOKING 5:        | REVOKING 5:          | REVOKING 5:             | REVOKING 11: free 11, alarm
LOST 6     | signature-lost                | same               | same            | REVOKING 7: revoked 7, free 7 | same     | LOST 6:            | LOST 6:              | REVOKING 7: revoked 7, free 7 | same
"""  # noqa: E501 - a table is read in columns

WORDS = {
    "SignatureRequested": "requested",
    "CompletionRequested": "requested",
    "SignatureCompleted": "made",
    "ReviewCompleted": "made",
    "SignatureRejected": "rejected",
    "CompletionRejected": "rejected",
    "SignatureRevoked": "revoked",
    "CompletionLifted": "revoked",
}

# The columns in which the packet's own news opens or closes signing; that is told apart, below and in other tests.
PACKET_COLUMNS = {"packet.released(2)", "packet.unreleased(1)", "unreleased(1), revoke"}

Input = Callable[[SigningRecord, Holder, int], "Step"]

INPUTS: dict[str, Input] = {
    "sign": lambda state, holder, _: sign(state, holder),
    "complete": lambda state, _holder, _: completion.complete(state, AS_HR),
    "granted(f)": lambda state, holder, fence: answers.granted(state, holder, fence=fence),
    "rejected(f)": lambda state, holder, fence: answers.rejected(state, holder, fence=fence, reason="not-released"),
    "revoke": lambda state, holder, _: revocation.revoke(state, AS_HR, holders=frozenset({holder})),
    "released(f+1)": lambda state, holder, fence: answers.freed(state, holder, fence=fence),
    "packet.released(2)": lambda state, _holder, _: knowledge.learn_released(
        state, epoch=2, snapshot_hash=H2, manager_version=4
    ),
    "packet.unreleased(1)": lambda state, _holder, _: knowledge.learn_unreleased(
        state, epoch=1, revoke_signatures=False
    ),
    "unreleased(1), revoke": lambda state, _holder, _: knowledge.learn_unreleased(
        state, epoch=1, revoke_signatures=True
    ),
    "superseded(f, 10)": lambda state, holder, fence: answers.superseded(state, holder, fence=fence, last_fence=10),
}


def cells(table: str) -> list[tuple[str, str, str]]:
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return [(row[0], column, cell) for row in rows for column, cell in zip(head[1:], row[1:], strict=True)]


def word(fact: Fact) -> str:
    match fact:
        case HoldRequested():
            return f"{'hold' if fact.want.value == 'held' else 'free'} {fact.fence}"
        case SigningOpened():
            return "opened"
        case SigningClosed():
            return "closed"
        case Alarm():
            return "alarm"
        case _:
            return f"{WORDS[type(fact).__name__]} {fact.fence}"


def cell_of(state: str, column: str, holder: Holder) -> str:
    name, fence = state.split()
    before = having(holder, HoldState(name.lower()), int(fence))
    try:
        after, facts = INPUTS[column](before, holder, int(fence))
    except Refusal as refusal:
        return refusal.code
    if after is before:
        assert facts == ()
        return "same"
    told = [word(fact) for fact in facts]
    if column in PACKET_COLUMNS:
        told = [each for each in told if each not in {"opened", "closed"}]
    register = after.register(holder)
    stale = " stale" if register.stale else ""
    return f"{register.state.name} {register.fence}{stale}: {', '.join(told)}".strip()


@pytest.mark.parametrize("holder", [Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER])
@pytest.mark.parametrize(("state", "column", "cell"), cells(SIGNER_TABLE))
def test_a_signature_behaves_as_its_cell_says(state: str, column: str, cell: str, holder: Holder) -> None:
    assert cell_of(state, column, holder) == {"200": "same", "202": "same"}.get(cell, cell)


@pytest.mark.parametrize(("state", "column", "cell"), cells(COMPLETION_TABLE))
def test_the_completion_behaves_as_its_cell_says(state: str, column: str, cell: str) -> None:
    assert cell_of(state, column, Holder.COMPLETION) == {"200": "same", "202": "same"}.get(cell, cell)


STATES = ["NONE 3", "PENDING 4", "SIGNED 4", "REVOKING 5", "LOST 6"]
ANSWERS = ["granted(f)", "rejected(f)", "released(f+1)", "superseded(f, 10)"]


@pytest.mark.parametrize("holder", list(Holder))
@pytest.mark.parametrize("column", ANSWERS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("off", [-4, -3, -2, -1, 1, 2, 3, 8])
def test_an_answer_to_another_fence_than_the_one_waited_for_changes_nothing(
    state: str, column: str, off: int, holder: Holder
) -> None:
    name, fence = state.split()
    before = having(holder, HoldState(name.lower()), int(fence))
    after, facts = INPUTS[column](before, holder, int(fence) + off)
    assert after is before
    assert facts == ()


@pytest.mark.parametrize("last", [0, 3, 4])
def test_superseded_by_a_fence_that_is_not_newer_changes_nothing(last: int) -> None:
    before = having(Holder.SIGNATURE_EMPLOYEE, HoldState.PENDING, 4)
    after, facts = answers.superseded(before, Holder.SIGNATURE_EMPLOYEE, fence=4, last_fence=last)
    assert after is before
    assert facts == ()


@pytest.mark.parametrize(("last", "hold", "free"), [(9, 10, 11), (10, 12, 11), (11, 12, 13)])
def test_after_superseded_the_next_fence_of_its_kind_above_the_last_is_used(last: int, hold: int, free: int) -> None:
    holder = Holder.SIGNATURE_MANAGER
    after, _ = answers.superseded(having(holder, HoldState.PENDING, 4), holder, fence=4, last_fence=last)
    assert after.manager.fence == hold
    after, _ = answers.superseded(having(holder, HoldState.REVOKING, 5), holder, fence=5, last_fence=last)
    assert after.manager.fence == free


@pytest.mark.parametrize("holder", [Holder.SIGNATURE_EMPLOYEE, Holder.SIGNATURE_MANAGER])
@pytest.mark.parametrize("state", [HoldState.PENDING, HoldState.SIGNED, HoldState.LOST])
def test_revoking_a_signature_lifts_the_completion_as_well(state: HoldState, holder: Holder) -> None:
    done = having(Holder.COMPLETION, HoldState.SIGNED, 2)
    before = done.having(holder, having(holder, state, 4).register(holder))
    after, facts = revocation.revoke(before, AS_HR, holders=frozenset({holder}))
    assert after.completion.state is HoldState.REVOKING
    assert after.completion.fence == 3
    assert [word(fact).split()[0] for fact in facts] == ["revoked", "free", "revoked", "free"]


@pytest.mark.parametrize("state", [HoldState.PENDING, HoldState.SIGNED, HoldState.LOST])
def test_revoking_the_completion_leaves_the_signatures(state: HoldState) -> None:
    before = having(Holder.SIGNATURE_EMPLOYEE, HoldState.SIGNED, 4).having(
        Holder.COMPLETION, having(Holder.COMPLETION, state, 2).completion
    )
    after, _ = revocation.revoke(before, AS_HR, holders=frozenset({Holder.COMPLETION}))
    assert after.employee == before.employee
    assert after.completion.state is HoldState.REVOKING


def test_a_freed_register_tells_that_signing_is_closed_where_it_is() -> None:
    before = having(Holder.SIGNATURE_EMPLOYEE, HoldState.REVOKING, 5, released=False)
    after, facts = answers.freed(before, Holder.SIGNATURE_EMPLOYEE, fence=5)
    assert after.employee.state is HoldState.NONE
    assert facts == (SigningClosed(review_id=before.review_id, epoch=1, reason="unreleased"),)


def test_a_signature_under_an_unrelease_without_the_wish_is_left_to_assessment() -> None:
    before = having(Holder.SIGNATURE_EMPLOYEE, HoldState.PENDING, 2)
    hidden, _ = knowledge.learn_unreleased(before, epoch=1, revoke_signatures=False)
    stands, facts = answers.granted(hidden, Holder.SIGNATURE_EMPLOYEE, fence=2)
    assert stands.employee.state is HoldState.SIGNED
    assert [word(fact) for fact in facts] == ["made 2"]


def test_the_first_attempt_has_fence_two() -> None:
    after, _ = sign(opened(), Holder.SIGNATURE_EMPLOYEE)
    assert after.employee.fence == 2
