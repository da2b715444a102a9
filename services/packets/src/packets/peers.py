"""What packets asks of assessment, with its own token and outside of transactions; fetched content is checked here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from reviewbus import directory
from reviewbus.canonical import digest
from reviewbus.client import PeerClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from reviewbus.settings import BusSettings

ITEMS_MAX = 500
STATES = "/internal/states"
STATES_ROWS = 200
Item = dict[str, Any]


class Assessment:
    """The assessment service. Every method raises `PeerUnavailable` or `PeerRefused`."""

    def __init__(self, settings: BusSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self._client = PeerClient(settings, "assessment", transport=transport)

    def contents(self, wanted: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], Item]:
        """The immutable versions that exist, by (kind, id, version); at most ITEMS_MAX."""
        items = [{"kind": kind, "id": each, "version": version} for kind, each, version in wanted]
        answer = self._client.post("/internal/contents", {"items": items})
        found = (item for item in answer["items"] if item["found"])
        return {(item["kind"], item["id"], item["version"]): item for item in found}

    def people(self, person_ids: Sequence[str]) -> dict[str, Item]:
        """Names and languages by person; those who are not known are left out; at most ITEMS_MAX."""
        answer = self._client.post("/internal/people", {"person_ids": list(person_ids)})
        return {item["person_id"]: item for item in answer["items"]}

    def cycles(self, cycle_ids: Sequence[str]) -> dict[str, Item]:
        """What these cycles are called; those that are not known are left out; at most ITEMS_MAX."""
        answer = self._client.post("/internal/cycles", {"cycle_ids": list(cycle_ids)})
        return {item["cycle_id"]: item for item in answer["items"]}

    def directory(self, cursor: str | None) -> tuple[list[Item], str | None]:
        """A page of who reports to whom in the order of the people's ids, and where the next one begins."""
        answer = self._client.get(directory.ADDRESS, {"cursor": cursor, "limit": STATES_ROWS})
        return cast("list[Item]", answer["items"]), cast("str | None", answer["next_cursor"])

    def states(self, cursor: str | None) -> tuple[list[Item], str | None]:
        """A page of assessment's review rows in the order of their ids, and where the next one begins."""
        answer = self._client.get(STATES, {"cursor": cursor, "limit": STATES_ROWS})
        return cast("list[Item]", answer["items"]), cast("str | None", answer["next_cursor"])

    def restored(self) -> str | None:
        """The id of the restore of assessment after which a sweep that begins now is awaited, or None."""
        return cast("str | None", self._client.get(STATES, {"limit": 1})["restored"])

    def swept(self, restored: str) -> None:
        """Tell that a sweep is over that began after `restored` was read."""
        self._client.post("/internal/swept", {"restored": restored})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def is_intact(item: Mapping[str, Any]) -> bool:
    """Whether every hash of a fetched manager-assessment or questionnaire is that of what came with it."""
    if item["kind"] == "questionnaire":
        texts = all(each["text_hash"] == digest(each["text"]) for each in item["questions"])
        return texts and item["content_hash"] == digest(item["questions"])
    answers = item["answers"]
    words = {
        "questionnaire_id": item["questionnaire_id"],
        "questionnaire_version": item["questionnaire_version"],
        "answers": [{"question_id": each["question_id"], "answer_hash": each["answer_hash"]} for each in answers],
    }
    values = all(each["answer_hash"] == digest(each["value"]) for each in answers)
    return values and item["content_hash"] == digest(words)
