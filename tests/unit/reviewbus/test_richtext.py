"""Rich text: what stays, what goes, and that a second pass finds nothing left to do."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reviewbus import richtext

FRAGMENTS = st.sampled_from(
    [
        *(
            f"<{tag}>"
            for tag in (*sorted(richtext.TAGS), "b", "i", "table", "td", "svg", "math", "template", "select", "font")
        ),
        *(f"</{tag}>" for tag in (*sorted(richtext.TAGS), "b", "i", "table", "svg", "math", "template", "select")),
        *("<script>", "</script>", "<style>", "</style>", "<!--", "-->", "<![CDATA[", "<textarea>", "<noscript>"),
        *("&lt;", "&#60;", "&am", "p;", "&#x202E;", "&#0;", "&#13;", "&nbsp;", "<", ">", '"', "'", "=", " ", "\r\n"),
        *('<a href="https://x.example/?a=1&b=2">', "<a href='javascript:alert(1)'>", "<p onclick=x style=y>", "\u202e"),
    ]
)
HTML = st.lists(FRAGMENTS | st.text(max_size=5), max_size=25).map("".join)


def test_every_allowed_element_survives() -> None:
    html = (
        "<h3>a</h3><h4>b</h4><p>c<br><strong>d</strong> <em>e</em> <u>f</u></p>"
        "<ul><li>g</li></ul><ol><li>h</li></ol><blockquote>i</blockquote>"
    )
    assert richtext.sanitise(html) == html


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("<p><b>a</b> <i>b</i></p>", "<p><strong>a</strong> <em>b</em></p>"),
        ('<B class="x">a<i style="y">b</I></b>', "<strong>a<em>b</em></strong>"),
        ("<b>a<strong>b</strong></b>", "<strong>a<strong>b</strong></strong>"),
        ("<i>open", "<em>open</em>"),
        ("&lt;b&gt;a&lt;/b&gt; 1 <i 2", "&lt;b&gt;a&lt;/b&gt; 1 "),
        ("<br><blockquote>a</blockquote><iframe>b</iframe>", "<br><blockquote>a</blockquote>b"),
    ],
)
def test_what_editors_write_for_bold_and_italics_keeps_its_meaning(written: str, kept: str) -> None:
    assert richtext.sanitise(written) == kept
    assert richtext.sanitise(kept) == kept


@pytest.mark.parametrize("href", ["https://wiki.example/a?b=1", "mailto:a@b.example"])
def test_a_link_that_is_allowed_keeps_its_address_and_says_nothing_about_where_it_was(href: str) -> None:
    assert richtext.sanitise(f'<a href="{href}">x</a>') == f'<a href="{href}" rel="noopener noreferrer">x</a>'


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "java\x00script:alert(1)",
        "java&#x202E;script:alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html,x",
        "http://plain.example",
        "file:///etc/passwd",
        "//other.example",
        "/relative",
        "vbscript:x",
    ],
)
def test_a_link_elsewhere_loses_its_address(href: str) -> None:
    assert "href" not in richtext.sanitise(f'<a href="{href}">x</a>')


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<script>alert(1)</script>a", "a"),
        ("<style>p{}</style>a", "a"),
        ("<img src=x onerror=alert(1)>a", "a"),
        ('<p onclick="x" style="color:red" class="y" id="z" title="t" lang="en">a</p>', "<p>a</p>"),
        ("<h1>a</h1>", "a"),
        ("<table><tr><td>a</table>", "a"),
        ("<svg><a href='https://x.example'>a</a></svg>", ""),
        ("<!-- a -->b", "b"),
        ("a\x00b\x07c\x9fd\x7f", "abcd"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("a&#x202E;b&#0;c", "ab\ufffdc"),
        ("a\ud800b", "ab"),
        ("tab\tline\nend", "tab\tline\nend"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
    ],
)
def test_what_is_not_allowed_goes(html: str, clean: str) -> None:
    assert richtext.sanitise(html) == clean


@given(HTML)
@example("<p><svg><foreignobject><p>x")
@example("<a href='https://x.example'><table><a href='https://y.example'>")
@example("&am&#x202E;p;lt;script&gt;")
def test_sanitising_twice_is_sanitising_once(html: str) -> None:
    clean = richtext.sanitise(html)
    assert richtext.sanitise(clean) == clean
    assert richtext.without_controls(clean) == clean


@given(HTML)
def test_nothing_but_allowed_elements_and_link_addresses_is_left(html: str) -> None:
    clean = richtext.sanitise(html)
    for _, tag in richtext._TAG.findall(clean):
        assert tag in richtext.TAGS
    for markup in richtext._MARKUP.findall(clean):
        name, _, attributes = markup.strip("</>").partition(" ")
        assert not attributes or name == "a"


@pytest.mark.parametrize("html", ["<blockquote>" * 40 + "word", "<ul><li>word" * 1500, "<strong>" * 3000 + "word"])
def test_markup_beyond_measure_is_dropped_and_the_words_stay(html: str) -> None:
    clean = richtext.sanitise(html)
    assert clean.startswith("<p>")
    assert clean.count("<") == 2
    assert clean.count("word") == html.count("word")
    assert richtext.sanitise(clean) == clean


def test_nesting_as_deep_as_allowed_stays() -> None:
    html = "<blockquote>" * richtext.DEPTH_MAX + "word" + "</blockquote>" * richtext.DEPTH_MAX
    assert richtext.sanitise(html) == html


def test_a_megabyte_of_opening_tags_is_answered() -> None:
    assert richtext.sanitise("<blockquote>" * 80_000) == "<p></p>"
    assert richtext.plain_length("<blockquote>" * 80_000 + "word") == 4


def test_a_length_counts_characters_and_no_markup() -> None:
    assert richtext.plain_length("<p> Grüße &amp; <strong>Küsse</strong> </p>") == len("Grüße & Küsse")
    assert richtext.plain_length("&lt;b&gt;") == 3


@pytest.mark.parametrize(
    "html",
    [
        "",
        "   ",
        "<p></p>",
        "<p><br></p>",
        "<p>&nbsp;\u200b\u00ad</p>",
        "<ul><li></li></ul>",
        "\u2800",
        "<script>x</script>",
    ],
)
def test_what_shows_nothing_is_empty(html: str) -> None:
    assert richtext.empty(html)


@pytest.mark.parametrize("html", ["x", "<p>.</p>", "<li>0</li>", "&lt;p&gt;"])
def test_what_shows_something_is_not_empty(html: str) -> None:
    assert not richtext.empty(html)


def test_a_single_line_has_no_breaks_and_no_controls() -> None:
    assert richtext.single_line(" Eve\r\nBcc: x@y.example\x00\u202e\tA\u2028B ") == "Eve Bcc: x@y.example A B"
