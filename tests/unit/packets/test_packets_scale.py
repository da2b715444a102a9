"""What a rating may be, and who sees the selection."""

from __future__ import annotations

import pytest

from packets.domain.people import HR_ASSISTANT, Actor
from packets.domain.rating import Scale, unmet_scale
from packets.domain.selection import unmet_see
from unit.packets.packet_rows import HR_ACTOR, KIM, told


@pytest.mark.parametrize(
    ("value", "expected"), [(0, ["422 rating-off-scale"]), (1, []), (5, []), (6, ["422 rating-off-scale"])]
)
def test_a_rating_is_a_step_of_the_scale(value: int, expected: list[str]) -> None:
    assert told(unmet_scale(value, Scale(lowest=1, highest=5))) == expected


def test_a_rating_off_the_scale_is_told_the_scale() -> None:
    (reason,) = unmet_scale(9, Scale(lowest=-2, highest=2))
    assert reason.params == {"lowest": -2, "highest": 2}


def test_the_selection_is_shown_to_hr_admins_only() -> None:
    assert told(unmet_see(HR_ACTOR)) == []
    for roles in (frozenset[str](), frozenset({HR_ASSISTANT})):
        assert told(unmet_see(Actor(person_id=KIM, roles=roles))) == ["403 forbidden-role"]
