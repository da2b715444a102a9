"""How far the reviews of a cycle are, in numbers: who may know, and what is counted as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assessment.domain.people import HR_ADMIN, HR_ASSISTANT, Actor, unmet_role
from assessment.domain.refusals import NotFound, Refusal
from assessment.domain.review import ManagerState, ReviewState, SelfState, whole_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """So many reviews that are equally far."""

    reviews: int
    started: bool
    cancelled: bool
    completed: bool
    locked: bool
    self_state: SelfState
    manager_state: ManagerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Reviews, counted; by the states of either side only those that are not cancelled."""

    reviews: int
    not_started: int
    states: Mapping[ReviewState, int]
    self_states: Mapping[SelfState, int]
    manager_states: Mapping[ManagerState, int]


def follows_all(actor: Actor) -> bool:
    """Whether somebody follows every review of a cycle; others follow those of which they are manager of record."""
    return not unmet_role(actor, HR_ADMIN, HR_ASSISTANT)


def unmet_follow(actor: Actor, *, exists: bool, has_team: bool) -> list[Refusal]:
    """Why there is nothing to follow; `exists`: the cycle, `has_team`: reviews of the actor's team in it."""
    return [] if (exists and follows_all(actor)) or has_team else [NotFound()]


def progress(groups: Iterable[Alike], *, with_drafts: bool) -> Progress:
    """Count; where drafts of the self-assessment are not to be known, they are none."""
    found = tuple(groups)
    states = dict.fromkeys(ReviewState, 0)
    selves, managers = dict.fromkeys(SelfState, 0), dict.fromkeys(ManagerState, 0)
    for one in found:
        states[_state(one)] += one.reviews
        if one.cancelled:
            continue
        hidden = one.self_state is SelfState.DRAFT and not with_drafts
        selves[SelfState.NONE if hidden else one.self_state] += one.reviews
        managers[one.manager_state] += one.reviews
    return Progress(
        reviews=sum(one.reviews for one in found),
        not_started=sum(one.reviews for one in found if not one.started),
        states=states,
        self_states=selves,
        manager_states=managers,
    )


def _state(one: Alike) -> ReviewState:
    return whole_state(
        cancelled=one.cancelled,
        completed=one.completed,
        locked=one.locked,
        self_state=one.self_state,
        manager_state=one.manager_state,
    )
