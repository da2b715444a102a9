"""What somebody could do with a packet now, answered by the decisions that the commands themselves ask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from packets.domain.conversation import unmet_record_conversation
from packets.domain.packet import Packet, Part, preview_tag
from packets.domain.people import unmet_part
from packets.domain.rating import unmet_change_rating, unmet_override
from packets.domain.refusals import ForbiddenRole, NotReleased, Refusal, refuse
from packets.domain.release import (
    is_recallable,
    unmet_cancel_scheduled,
    unmet_release,
    unmet_schedule,
    unmet_send_to_manager,
    unmet_unrelease,
)
from packets.domain.visibility import unmet_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packets.domain.people import Standing
    from packets.domain.release import Scheduled


class Action(StrEnum):
    """What this service's commands do to one packet; one of them is an unrelease that revokes signatures as well."""

    READ = "read"
    RELEASE_TO_MANAGER = "release-to-manager"
    RELEASE = "release"
    UNRELEASE = "unrelease"
    CHANGE_RATING = "change-rating"
    OVERRIDE_CALIBRATION = "override-calibration"
    UNRELEASE_AND_REVOKE = "unrelease-and-revoke"
    CONVERSATION_HELD = "conversation-held"
    CANCEL_SCHEDULED = "cancel-scheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether the action would be carried out, for somebody who names what is asked for; else why not."""

    action: Action
    unmet: tuple[Refusal, ...] = ()

    @property
    def allowed(self) -> bool:
        """Nothing is unmet."""
        return not self.unmet


def unmet_ask(standing: Standing) -> list[Refusal]:
    """Why the person cannot ask: participants and HR can, HR also where it may do nothing."""
    if Part.HR_ADMIN in standing.barred:
        return []
    return unmet_part(standing, Part.EMPLOYEE, Part.MANAGER, Part.HR_ADMIN)


def actions(packet: Packet, standing: Standing, *, waiting: Sequence[Scheduled] = ()) -> tuple[Answer, ...]:
    """All actions of this service, as the commands would answer: versions, reasons and tags taken as given.

    `waiting`: the releases of this packet that wait for their instant.

    To the employee, whatever keeps the packet back reads `not-released`. Refuses as `unmet_ask`.
    """
    refuse(unmet_ask(standing))
    release = unmet_release(packet, standing, previewed=preview_tag(packet), has_reason=True)
    if not release and is_recallable(packet, standing):
        release = unmet_schedule(packet, waiting)
    unmet = {
        Action.READ: unmet_read(packet, standing),
        Action.RELEASE_TO_MANAGER: unmet_send_to_manager(packet, standing),
        Action.RELEASE: release,
        Action.UNRELEASE: unmet_unrelease(packet, standing, revoke_signatures=False, has_reason=True),
        Action.CHANGE_RATING: unmet_change_rating(
            packet, standing, expected_version=packet.rating_version, has_reason=True
        ),
        Action.OVERRIDE_CALIBRATION: unmet_override(packet, standing, has_reason=True),
        Action.UNRELEASE_AND_REVOKE: unmet_unrelease(packet, standing, revoke_signatures=True, has_reason=True),
        Action.CONVERSATION_HELD: unmet_record_conversation(packet, standing),
        Action.CANCEL_SCHEDULED: unmet_cancel_scheduled(packet, standing, waiting),
    }
    return tuple(Answer(action=action, unmet=_told(standing, reasons)) for action, reasons in unmet.items())


def _told(standing: Standing, reasons: list[Refusal]) -> tuple[Refusal, ...]:
    ordered = tuple(sorted(reasons, key=lambda reason: reason.rank))
    if Part.EMPLOYEE not in standing.parts or all(isinstance(reason, ForbiddenRole) for reason in ordered):
        return ordered
    return (NotReleased(),)
