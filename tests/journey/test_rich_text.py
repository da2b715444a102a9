"""What people write is kept as they formatted it, and nothing in it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.people import ANNA, HELEN, MAX
from harness.story import MANAGER_ANSWERS, expect

if TYPE_CHECKING:
    from harness.journey import Stage

GOOD = (
    "<p>A <strong>bold</strong> word, <em>an</em> <u>other</u>.</p><ul><li>one</li><li>two</li></ul>"
    '<h3>Head</h3><blockquote>said</blockquote><p><a href="https://company.example/a?b=1">link</a><br>end</p>'
)
BAD = (
    "<script>alert(1)</script><img src=x onerror=alert(1)><style>p{background:url(https://evil.example)}</style>"
    '<a href="javascript:alert(1)">here</a><p onclick="alert(1)">text</p><iframe src="https://evil.example"></iframe>'
    '<svg onload="alert(1)"></svg><a href="data:text/html,x">there</a>'
)
RUNNING = (
    "<script",
    "alert(1)",
    "onerror",
    "onclick",
    "onload",
    "javascript:",
    "<img",
    "<style",
    "evil",
    "<svg",
    "data:",
)


def harmless(text: str) -> bool:
    return not any(one in text.lower() for one in RUNNING)


def test_formatting_survives_saving_sharing_and_release(stage: Stage) -> None:
    story = stage.story
    story.begin(calibration_required=False)
    story.select_questions()
    story.save_self(answers={"s-highlights": GOOD})
    story.share_self()
    answers: dict[str, Any] = {**MANAGER_ANSWERS, "m-results": GOOD}
    story.save_manager(answers=answers)
    story.submit()
    story.send_to_manager()
    story.release()
    shared = expect(story.as_(MAX).get(f"/v1/reviews/{story.review()}/self-assessment")).json()
    shown = expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).json()
    for text in (shared["answers"]["s-highlights"], shown["questions"][0]["value"]):
        for piece in ("<strong>bold</strong>", "<li>two</li>", "<h3>Head</h3>", 'href="https://company.example/a?b=1"'):
            assert piece in text


def test_nothing_that_somebody_writes_runs_where_it_is_read(stage: Stage) -> None:
    story = stage.story
    story.begin(calibration_required=False, instructions=f"{GOOD}{BAD}")
    story.select_questions()
    review = f"/v1/reviews/{story.review()}"
    story.save_self(answers={"s-highlights": f"{BAD}<p>kept</p>"})
    expect(story.as_(ANNA).put(f"{review}/self-assessment/backup", {"answers": {"s-wishes": BAD}}))
    story.share_self()
    story.save_manager(answers={**MANAGER_ANSWERS, "m-results": f"{BAD}<p>kept</p>"})
    story.submit()
    story.send_to_manager()
    story.release()
    story.sign(ANNA, comment=f"{BAD}<p>kept</p>")
    for person, path in (
        (MAX, f"{review}/self-assessment"),
        (ANNA, f"{review}/self-assessment/backups/1"),
        (ANNA, review),
        (HELEN, f"{review}/manager-assessment"),
        (ANNA, f"/v1/packets/{story.review()}"),
        (MAX, f"/v1/signatures/{story.review()}"),
    ):
        assert harmless(expect(story.as_(person).get(path)).text), path
    assert "kept" in expect(story.as_(ANNA).get(f"/v1/packets/{story.review()}")).text


def test_an_answer_of_markup_alone_is_none(stage: Stage) -> None:
    story = stage.story
    story.begin()
    story.save_self(answers={"s-highlights": "<p> </p><script>x</script>"})
    share = f"/v1/reviews/{story.review()}/self-assessment/share"
    stage.refused(lambda: story.as_(ANNA).post(share), 422, "answers-missing")


def test_a_text_beyond_the_limit_is_refused(stage: Stage) -> None:
    story = stage.story
    story.begin()
    path, answers = f"/v1/reviews/{story.review()}/self-assessment", {"answers": {"s-highlights": "a" * 20_001}}
    stage.refused(lambda: story.as_(ANNA).put(path, answers, version=0), 422, "invalid-request")
