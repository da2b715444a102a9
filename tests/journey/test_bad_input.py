"""Every operation of every service is given every kind of bad input: the right problem, and nothing changed.

The operations are those of the documents that the services serve, so that a new one is covered, or fails here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.journey import prints, problem
from harness.operations import operations
from harness.people import HELEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from harness.journey import Stage
    from harness.operations import Operation

MIB = 1024 * 1024
# What answers 404 to an address of something that does not exist, where there are no parts in the path.
WITHOUT_ID = "{"


@pytest.fixture
def every(stage: Stage) -> Iterator[Every]:
    """Give every operation, and see afterwards that nothing has changed anywhere."""
    before = prints(stage.world)
    yield Every(stage)
    assert prints(stage.world) == before


class Every:
    """Sends the same to every operation and collects those that answer otherwise than they should."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._all = operations(stage.story.gateway)
        assert len(self._all) > 60

    def answers(
        self,
        status: int,
        code: str,
        chosen: Callable[[Operation], object],
        look: Callable[[dict[str, Any], httpx.Response], object] = lambda _, __: True,
        **request: Any,
    ) -> None:
        """Every chosen operation answers so to this request."""
        wrong: list[str] = []
        tried = [one for one in self._all if chosen(one)]
        assert tried
        for one in tried:
            answer = one.send(self._stage.story.gateway, **dict(request))
            try:
                assert look(problem(answer, status, code), answer)
            except (AssertionError, KeyError) as error:
                wrong.append(f"{one.name}: {answer.status_code} {str(error)[:200]}")
        assert wrong == []


def any_at_all(_: Operation) -> bool:
    return True


def with_body(one: Operation) -> bool:
    return one.body is not None


def test_without_a_token_that_is_right_nobody_is_answered(every: Every) -> None:
    for token in (None, "Bearer ", "Bearer nonsense", "Basic aGVsZW46eA==", "Bearer a.b.c"):
        every.answers(401, "unauthorized", any_at_all, headers={"Authorization": token})


def test_a_body_that_is_no_json_is_malformed(every: Every) -> None:
    json = {"Content-Type": "application/json"}
    for content in (b"{", b'{"a": 1', b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}"):
        every.answers(400, "malformed-request", with_body, content=content, headers=json)


def test_a_body_that_is_json_and_no_object_is_refused(every: Every) -> None:
    no_objects: tuple[Any, ...] = ([], "text", 7)
    for content in no_objects:
        every.answers(422, "invalid-request", with_body, json=content)


def test_a_field_that_nobody_knows_is_refused_by_its_name(every: Every) -> None:
    def named(body: dict[str, Any], _: httpx.Response) -> bool:
        return any(one["pointer"].endswith("/surprise") for one in body["errors"])

    every.answers(422, "invalid-request", with_body, named, json={"surprise": 1})
    every.answers(422, "invalid-request", lambda one: one.has_query, named, params={"surprise": "1"})


def test_text_that_no_column_can_hold_is_refused(every: Every) -> None:
    def unstorable(body: dict[str, Any], _: httpx.Response) -> bool:
        return "cannot be stored" in body["errors"][0]["detail"]

    json = {"Content-Type": "application/json"}
    for content in (rb'{"a": "x\u0000y"}', rb'{"a": [{"b": "\ud800"}]}', rb'{"\udfff": 1}'):
        every.answers(422, "invalid-request", with_body, unstorable, content=content, headers=json)
    every.answers(422, "invalid-request", lambda one: one.has_query, unstorable, params={"cursor": "\x00"})


def test_a_body_beyond_the_limit_is_not_read(every: Every) -> None:
    json = {"Content-Type": "application/json"}

    def small(one: Operation) -> bool:
        return with_body(one) and one.path != "/v1/people/import"

    every.answers(413, "body-too-large", small, content=b'"' + b"a" * 2 * MIB + b'"', headers=json)
    every.answers(
        413,
        "body-too-large",
        lambda one: one.path == "/v1/people/import",
        content=b'"' + b"a" * 17 * MIB + b'"',
        headers=json,
    )


def test_another_media_type_is_refused(every: Every) -> None:
    text = {"Content-Type": "text/plain"}
    every.answers(415, "unsupported-media-type", with_body, content=b"{}", headers=text)


def test_another_method_is_refused_and_the_right_ones_named(every: Every) -> None:
    every.answers(
        405, "method-not-allowed", any_at_all, lambda _, answer: answer.headers["Allow"], method="DELETE", json={}
    )


def test_a_command_without_a_key_or_with_a_malformed_one_is_refused(every: Every) -> None:
    every.answers(400, "idempotency-key-missing", lambda one: one.is_command, headers={"Idempotency-Key": None})
    for key in ("", "two words", "x" * 129, "tab\tbed"):
        every.answers(400, "idempotency-key-malformed", lambda one: one.is_command, headers={"Idempotency-Key": key})


def test_every_post_of_the_public_api_is_a_command(stage: Stage) -> None:
    posts = [one for one in operations(stage.story.gateway) if one.method == "POST" and not one.internal]
    assert [one.name for one in posts if not one.is_command] == []


def test_a_version_that_is_no_strong_etag_is_refused(every: Every) -> None:
    for tag in ("*", "1", 'W/"1"', '"1", "2"', '""', "x" * 300):
        every.answers(400, "if-match-malformed", lambda one: one.is_versioned, headers={"If-Match": tag})


def test_what_does_not_exist_is_not_found(every: Every) -> None:
    # Whoever is an outsider everywhere is answered the same; who is not, is told that there is nothing.
    every.answers(404, "not-found", lambda one: WITHOUT_ID in one.path)


def test_an_id_that_is_none_is_not_found(every: Every, stage: Stage) -> None:
    for one in operations(stage.story.gateway):
        if "_id}" not in one.path or one.path.startswith("/v1/people/"):
            continue
        for part in ("not-a-uuid", "%00", "..%2f", "é", "0" * 400):
            path = one.path
            for parameter in one.parameters:
                if parameter["in"] == "path":
                    path = path.replace(f"{{{parameter['name']}}}", part)
            assert one.send(stage.story.gateway, path).status_code in {400, 404}, f"{one.name} with {part}"


def test_pages_are_asked_for_with_a_sane_limit_and_an_own_cursor(every: Every) -> None:
    def is_list(one: Operation) -> bool:
        return any(parameter["name"] == "cursor" for parameter in one.parameters)

    for limit in ("0", "201", "-1", "many", "9" * 40):
        every.answers(422, "invalid-request", is_list, params={"limit": limit})
    for cursor in ("nonsense", "W10", "WzFd", "bnVsbA", "x" * 600):
        every.answers(422, "invalid-request", is_list, params={"cursor": cursor})


def test_internal_operations_are_for_services_only(every: Every, stage: Stage) -> None:
    session = stage.story.as_(HELEN)
    token = {"Authorization": f"Bearer {session.token}"}
    every.answers(403, "forbidden-role", lambda one: one.internal, headers=token)
