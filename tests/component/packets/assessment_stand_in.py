"""Another team's service, as packets knows it: it answers documented addresses with what a test puts there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import flask
import httpx

from reviewbus.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDERS = ("release", "signature:employee", "signature:manager", "completion")
FREE = {"fence": 0, "held": False, "epoch": None, "snapshot_hash": None}


@dataclass(slots=True)
class Assessment:
    """Contents, names and rows.

    `asked` lists the addresses asked, `refused` is one that is not answered, `before_answer` may change something
    meanwhile.
    """

    items: dict[tuple[str, str, int], dict[str, Any]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    cycles: dict[str, str] = field(default_factory=dict)
    everybody: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    refused: str | None = None
    restored: str | None = None
    swept: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] | None = None
    before_swept: Callable[[], None] | None = None

    def transport(self) -> httpx.BaseTransport:
        app = flask.Flask("assessment")
        app.add_url_rule("/internal/contents", view_func=self._contents, methods=["POST"])
        app.add_url_rule("/internal/people", view_func=self._people, methods=["POST"])
        app.add_url_rule("/internal/cycles", view_func=self._cycles, methods=["POST"])
        app.add_url_rule("/internal/directory", view_func=self._directory)
        app.add_url_rule("/internal/states", view_func=self._states)
        app.add_url_rule("/internal/swept", view_func=self._swept, methods=["POST"])
        app.before_request(self._begin)
        return httpx.WSGITransport(app=app)

    def write(self, review_id: str, version: int, questionnaire: tuple[str, int], answers: dict[str, Any]) -> str:
        """Keep a version of a manager-assessment; return its hash."""
        kinds = {each["question_id"]: each["kind"] for each in self.items["questionnaire", *questionnaire]["questions"]}
        rows = [
            {"question_id": each, "kind": kinds[each], "value": value, "answer_hash": digest(value)}
            for each, value in answers.items()
        ]
        words: dict[str, Any] = {
            "questionnaire_id": questionnaire[0],
            "questionnaire_version": questionnaire[1],
            "answers": [{"question_id": each["question_id"], "answer_hash": each["answer_hash"]} for each in rows],
        }
        self.items["manager-assessment", review_id, version] = {
            "kind": "manager-assessment",
            "id": review_id,
            "version": version,
            "found": True,
            "content_hash": digest(words),
            "questionnaire_id": questionnaire[0],
            "questionnaire_version": questionnaire[1],
            "answers": rows,
        }
        return digest(words)

    def ask(self, questionnaire: tuple[str, int], title: str, questions: list[dict[str, Any]]) -> None:
        """Keep a questionnaire."""
        full: list[dict[str, Any]] = [
            {
                "required": False,
                "help_text": None,
                "scale": None,
                "options": None,
                **each,
                "text_hash": digest(each["text"]),
            }
            for each in questions
        ]
        self.items["questionnaire", *questionnaire] = {
            "kind": "questionnaire",
            "id": questionnaire[0],
            "version": questionnaire[1],
            "found": True,
            "content_hash": digest(full),
            "title": title,
            "questions": full,
        }

    def hold(self, review_id: str, holder: str, fence: int, *, held: bool, **more: Any) -> None:
        """Set one register of a row."""
        self.rows[review_id]["registers"][holder] = {**FREE, "fence": fence, "held": held, **more}

    def _begin(self) -> flask.Response | None:
        self.asked.append(flask.request.path)
        if self.refused == flask.request.path:
            return flask.Response(status=404)
        return flask.Response(status=503) if self.down else None

    def _contents(self) -> dict[str, Any]:
        wanted = flask.request.get_json()["items"]
        return {
            "items": [
                self.items.get((each["kind"], each["id"], each["version"]), {**each, "found": False}) for each in wanted
            ]
        }

    def _cycles(self) -> dict[str, Any]:
        known = [each for each in flask.request.get_json()["cycle_ids"] if each in self.cycles]
        return {"items": [{"cycle_id": each, "name": self.cycles[each]} for each in known]}

    def _people(self) -> dict[str, Any]:
        known = [each for each in flask.request.get_json()["person_ids"] if each in self.names]
        return {
            "items": [
                {
                    "person_id": each,
                    "name": self.names[each],
                    "email": f"{each}@company.example",
                    "active": True,
                    "manager_id": None,
                    "language": "en",
                }
                for each in known
            ]
        }

    def _directory(self) -> dict[str, Any]:
        after = flask.request.args.get("cursor", "")
        rest = [one for one in self.everybody if one["person_id"] > after]
        # Small pages, so that there is a second one.
        return {"items": rest[:3], "next_cursor": rest[2]["person_id"] if len(rest) > 3 else None}

    def _states(self) -> dict[str, Any]:
        if self.before_answer is not None:
            self.before_answer()
        after, limit = flask.request.args.get("cursor", ""), int(flask.request.args["limit"])
        rows = [self.rows[each] for each in sorted(self.rows) if each > after]
        page = rows[:limit]
        following = page[-1]["review_id"] if len(rows) > limit else None
        return {"items": page, "next_cursor": following, "restored": self.restored}

    def _swept(self) -> dict[str, Any]:
        if self.before_swept is not None:
            self.before_swept()
        self.swept.append(flask.request.get_json()["restored"])
        return {"counted": True}
