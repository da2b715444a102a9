"""The process that draws: killed, replaced, limited, alone with its own environment."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from component.packets.pdf_documents import ENDLESS, a_document, answering, child_id, processor_ticks, text_of
from harness.eventually import eventually
from packets.pdf import (
    PdfAnswer,
    Renderer,
    RenderFailed,
    RenderLimits,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with closing(Renderer()) as warm:
        yield warm


def test_a_document_without_end_is_killed_and_the_next_one_renders() -> None:
    with closing(Renderer(RenderLimits(render_s_max=3))) as hasty:
        with pytest.raises(RenderFailed) as failure:
            hasty.render(answering(ENDLESS))
        assert (failure.value.code, failure.value.permanent) == ("render-timeout", False)
        assert text_of(hasty.render(a_document()))


def test_a_document_that_needs_too_much_memory_fails_and_the_next_one_renders() -> None:
    with closing(Renderer(RenderLimits(memory_mib_max=120, render_s_max=50))) as small:
        with pytest.raises(RenderFailed) as failure:
            small.render(a_document(questions=(PdfAnswer(question="Question", html="<p>x</p>" * 100),) * 100))
        assert failure.value.code in {"out-of-memory", "renderer-crashed"}
        assert text_of(small.render(a_document()))


def test_a_child_killed_while_idle_is_replaced(renderer: Renderer) -> None:
    expected = renderer.render(a_document())
    killed = renderer._child
    assert killed is not None
    os.kill(child_id(renderer), signal.SIGKILL)
    killed._process.wait()
    assert renderer.render(a_document()) == expected
    assert renderer._child is not killed


def test_a_child_killed_at_work_fails_its_document_only() -> None:
    with closing(Renderer()) as own, ThreadPoolExecutor(1) as pool:
        own.warm()
        idle = processor_ticks(child_id(own))
        rendering = pool.submit(own.render, answering(ENDLESS))
        eventually(lambda: processor_ticks(child_id(own)) > idle + 5, what="the child is drawing")
        os.kill(child_id(own), signal.SIGKILL)
        with pytest.raises(RenderFailed) as failure:
            rendering.result()
        assert failure.value.code == "renderer-crashed"
        assert own.render(a_document())


def test_a_child_is_replaced_after_its_number_of_documents() -> None:
    with closing(Renderer(RenderLimits(documents_per_child=2))) as short:
        short.render(a_document())
        first = child_id(short)
        short.render(a_document())
        assert short._child is None
        short.render(a_document())
        assert child_id(short) != first


def test_threads_share_one_renderer(renderer: Renderer) -> None:
    expected = [renderer.render(answering(f"<p>{number}</p>")) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(renderer.render, [answering(f"<p>{number}</p>") for number in range(6)])) == expected


def test_the_child_sees_no_environment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKETS_DATABASE_URL", "postgresql://secret")
    with closing(Renderer()) as own:
        own.warm()
        environment = Path(f"/proc/{child_id(own)}/environ").read_bytes()
    names = {each.partition(b"=")[0] for each in environment.split(b"\0") if each}
    assert names == {b"LANG", b"PYTHONPATH", b"PYTHONDONTWRITEBYTECODE", b"FONTCONFIG_FILE"}


def test_a_child_whose_parent_is_gone_ends() -> None:
    with closing(Renderer()) as own:
        own.warm()
        assert own._child is not None
        own._child._asking.close()
        assert own._child._process.wait(timeout=10) == 0


def test_a_closed_renderer_refuses() -> None:
    closed = Renderer()
    closed.close()
    closed.close()
    with pytest.raises(RenderFailed, match="renderer-closed"):
        closed.render(a_document())
