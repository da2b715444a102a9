"""How a packet looks: bookmarks, pages, scales, fonts, the watermark."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from pypdf import PdfReader

from component.packets.pdf_documents import LABELS, a_document, answering, pages_of, text_of
from harness.pdfs import dictionaries_of
from packets import pdf
from packets.pdf import PdfAnswer, PdfRating, Renderer
from packets.pdf_worker import PIECE_CHARS, WORD_CHARS_MAX, breakable, to_html

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE = "<p>Kept everybody informed on the way, and coached two colleagues who now lead teams of their own.</p>"
OURS = ("Source-Sans-3", "DejaVu-Sans")


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with closing(Renderer()) as warm:
        yield warm


def fonts_of(body: bytes) -> set[str]:
    """Return the families in a file, every one of which is embedded."""
    found = dictionaries_of(PdfReader(io.BytesIO(body)))
    descriptors = [each for each in found if each.get("/Type") == "/FontDescriptor"]
    assert all({"/FontFile2", "/FontFile3"} & each.keys() for each in descriptors)
    return {str(each["/FontName"]).partition("+")[2] for each in descriptors}


def test_bookmarks_lead_to_the_questions_and_to_nothing_that_an_answer_says(renderer: Renderer) -> None:
    answers = (PdfAnswer(question="First?", html="<h3>Mine</h3><p>x</p><h4>Own</h4>"), PdfAnswer(question="Second?"))
    outline: Any = PdfReader(io.BytesIO(renderer.render(a_document(questions=answers)))).outline
    assert outline[0].title == "Performance review"
    assert [each.title for each in outline[1]] == ["First?", "Second?", "Final rating"]


@pytest.mark.parametrize("lines", range(17, 25))
def test_no_heading_stands_alone_and_the_final_rating_is_on_one_page(renderer: Renderer, lines: int) -> None:
    answers = tuple(PdfAnswer(question=f"Question {n}", html=LINE * lines) for n in range(4))
    pages = pages_of(renderer.render(a_document(questions=answers)))
    for number in range(4):
        (page,) = (each for each in pages if f"Question {number}" in each)
        assert f"Question {number} Kept everybody" in page
    (last,) = (each for each in pages if "Final rating" in each)
    assert "Final rating 4 Exceeds expectations" in last
    assert "5 Outstanding" in last


def test_an_answer_of_many_pages_fills_every_one_of_them(renderer: Renderer) -> None:
    pages = pages_of(renderer.render(answering(LINE * 120)))
    counts = [each.count("Kept everybody") for each in pages]
    assert sum(counts) == 120
    assert len(set(counts[1:-1])) == 1
    assert counts[0] > counts[1] / 2


def test_a_draft_says_so_on_every_page_in_its_header_and_in_its_title(renderer: Renderer) -> None:
    released = renderer.render(answering(LINE * 60))
    body = renderer.render(a_document(questions=(PdfAnswer(question="Question", html=LINE * 60),), draft=True))
    pages = pages_of(body)
    assert len(pages) > 2
    assert [each.count("Draft, not released") for each in pages] == [2] + [1] * (len(pages) - 1)
    metadata = PdfReader(io.BytesIO(body)).metadata
    assert metadata is not None
    assert str(metadata.title).startswith("Draft, not released: Performance review: Änne Müller")
    assert "Draft" not in text_of(released)


def test_the_step_that_was_given_is_marked_and_no_other() -> None:
    rating = PdfRating(value=2, lowest=1, highest=5, labels=LABELS)
    html = to_html(a_document(questions=(), rating=rating))
    assert html.count('class="chosen"') == 1
    assert '<li style="width: 20.0%" class="chosen"><div><b>2</b> Below</div></li>' in html


@pytest.mark.parametrize(("value", "place"), [(0, "0.0"), (50, "50.0"), (100, "100.0")])
def test_on_a_long_scale_the_mark_stands_where_the_value_is(value: int, place: str) -> None:
    html = to_html(a_document(questions=(), rating=PdfRating(value=value, lowest=0, highest=100)))
    assert f'<div class="track"><div style="width: {place}%"></div></div>' in html
    assert 'class="scale"' not in html


def test_latin_greek_and_cyrillic_are_drawn_with_the_fonts_that_come_along(renderer: Renderer) -> None:
    words = "Žluťoučký kůň, Größe, tiếng Việt. η γρήγορη αλεπού. Съешь ещё булок, їжак. ≤ ✓ →"
    body = renderer.render(answering(f"<p>{words}</p><p><strong>{words}</strong> <em>{words}</em></p>"))
    assert text_of(body).count(words) == 3
    assert all(each.startswith(OURS) for each in fonts_of(body))
    assert any(each.startswith(OURS[0]) for each in fonts_of(body))


def test_words_for_which_no_font_is_there_are_drawn_as_boxes_and_can_be_copied(renderer: Renderer) -> None:
    answers = (PdfAnswer(question="한국어", html="<p>中文</p>"),)
    reader = PdfReader(io.BytesIO(renderer.render(a_document(company="日本株式会社", questions=answers))))
    found = [each["/ToUnicode"].get_data() for each in dictionaries_of(reader) if "/ToUnicode" in each]
    maps = b" ".join(found).decode()
    for character in "한中日":
        assert f"<{ord(character):04x}>" in maps


def test_of_the_machines_fonts_only_those_for_chinese_japanese_and_korean_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts = tmp_path / "share" / "fonts"
    fonts.mkdir(parents=True)
    make_font(fonts / "NotoSansCJK-Regular.ttf", "Noto Sans CJK JP", "日")
    make_font(fonts / "Other-Regular.ttf", "Other", "本")
    shipped = pdf.FONTS.read_text(encoding="utf-8")
    assert shipped.count("/usr/share/fonts") == 2
    changed = shipped.replace("/usr/share/fonts", str(fonts)).replace(
        '<dir prefix="relative">.</dir>', f"<dir>{pdf.FONTS.parent}</dir>"
    )
    (tmp_path / "fonts.conf").write_text(changed, encoding="utf-8")
    monkeypatch.setattr(pdf, "FONTS", tmp_path / "fonts.conf")
    with closing(Renderer()) as renderer:
        body = renderer.render(a_document(language="ja", questions=(PdfAnswer(question="Q", html="<p>日本</p>"),)))
        assert renderer.render(answering("<p>日</p>"))
    assert any(each.startswith("Noto-Sans-CJK-JP") for each in fonts_of(body))
    assert not any("Other" in each for each in fonts_of(body))
    assert "日" in text_of(body)


def test_a_word_of_any_length_is_printed_whole(renderer: Renderer) -> None:
    word = "".join(f"{number}," for number in range(700))
    assert len(word) > WORD_CHARS_MAX
    assert word in text_of(renderer.render(answering(f"<p>{word}</p>"))).replace(" ", "")


def test_only_long_words_are_cut_and_never_within_a_tag_or_an_entity() -> None:
    plain = f'<p><a href="https://x/{"y" * 3_000}">{"z" * 1_999}</a> a &amp; b</p>'
    assert breakable(plain) == plain
    cut = breakable(f"<p>{'x' * (PIECE_CHARS - 1)}{'&amp;' * 2_000}</p>")
    assert cut.replace("<wbr>", "") == f"<p>{'x' * (PIECE_CHARS - 1)}{'&amp;' * 2_000}</p>"
    assert cut.count("<wbr>") == 4
    assert cut.count("&amp;") == 2_000


def make_font(path: Path, family: str, characters: str) -> None:
    """Write a font with a box for each of some characters."""
    pen = TTGlyphPen(None)
    for corner, draw in (
        ((0, 0), pen.moveTo),
        ((0, 800), pen.lineTo),
        ((800, 800), pen.lineTo),
        ((800, 0), pen.lineTo),
    ):
        draw(corner)
    pen.closePath()
    glyph = pen.glyph()
    names = {ord(each): f"uni{ord(each):04X}" for each in characters}
    order = [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(names)
    builder.setupGlyf(dict.fromkeys(order, glyph))
    builder.setupHorizontalMetrics(dict.fromkeys(order, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
