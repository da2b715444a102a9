"""Rich text from people: a small subset of HTML, the same on write and on every later rendering.

Allowed are `p br strong em u ul ol li blockquote h3 h4` without attributes and `a` with `href` (https, mailto).
What editors write as `b` and `i` becomes `strong` and `em`. Everything else goes; the text inside removed elements
stays, except that of `script` and `style`.
"""

from __future__ import annotations

import html as entities
import re
import unicodedata

import nh3

TAGS = frozenset({"p", "br", "strong", "em", "u", "ul", "ol", "li", "blockquote", "h3", "h4", "a"})
SCHEMES = frozenset({"https", "mailto"})
LINK_REL = "noopener noreferrer"
# Parsers need time with the square of the elements, 71 s for 1 MB of nothing but opening tags.
ELEMENTS_MAX = 2_000
DEPTH_MAX = 32
PASSES_MAX = 8

# C0 and C1 controls but tab, line feed and carriage return; bidi marks, embeddings, overrides and isolates;
# lone surrogates and noncharacters, which no UTF-8 encoder or font knows what to do with.
_REMOVED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_OPENING = re.compile("<[a-zA-Z]")
_MARKUP = re.compile("<[^<>]*>")
_TAG = re.compile(r"<(/?)([a-z0-9]+)[^>]*>")
_SPACES = re.compile(r"\s+")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")

_ALIASES = {"b": "strong", "i": "em"}
_ALIAS = re.compile(r"<(/?)(b|i)>")

_SUBSET = nh3.Cleaner(
    tags=TAGS | _ALIASES.keys(),
    attributes={"a": {"href"}, "*": set()},
    url_schemes=SCHEMES,
    url_relative="deny",
    link_rel=LINK_REL,
)
_TEXT = nh3.Cleaner(tags=set(), attributes={"*": set()}, link_rel=None)


def sanitise(html: str) -> str:
    """Return the allowed subset of `html`; sanitising it again changes nothing.

    NUL, other control characters and bidi control characters are removed, written directly or as entities: they
    would let a text read differently from what is stored, signed and printed. A text of more than ELEMENTS_MAX elements
    or nested deeper than DEPTH_MAX keeps its words and loses its markup, because every later reader recurses over it.
    Takes milliseconds per 10,000 characters; the caller limits the length.
    """
    result = without_controls(html)
    for _ in range(PASSES_MAX):
        # One pass is no fixed point: it decodes entities, and parents that it removes let their children regroup.
        again = _clean(result) if _few_elements(result) else _as_paragraph(result)
        again = without_controls(again)
        if again == result and _depth(again) <= DEPTH_MAX:
            return again
        result = again
    return _as_paragraph(result)


def without_controls(text: str) -> str:
    """Return `text` (plain or HTML source) without control, bidi control and unencodable characters."""
    return _REMOVED.sub("", text)


def single_line(text: str) -> str:
    """Return plain text for a heading or a name: no control characters, each run of white space one space, trimmed."""
    return _SPACES.sub(" ", without_controls(text.translate({0x0B: " ", 0x0C: " ", 0x85: " "}))).strip()


def plain_text(html: str) -> str:
    """Return the text of `html` without markup, entities decoded, trimmed."""
    known = without_controls(html)
    words = _TEXT.clean(known) if _few_elements(known) else _MARKUP.sub("", known)
    return without_controls(entities.unescape(words)).strip()


def plain_length(html: str) -> int:
    """Return the number of characters (code points) of the text without markup and outer white space."""
    return len(plain_text(html))


def empty(html: str) -> bool:
    """Say whether nothing could be seen: no text, or white space and invisible characters only."""
    return all(unicodedata.category(char)[0] in "ZC" or char in _BLANK for char in plain_text(html))


def _clean(html: str) -> str:
    # What was cleaned has no other `<` than those of tags, and no attribute but those of links.
    return _ALIAS.sub(lambda tag: f"<{tag[1]}{_ALIASES[tag[2]]}>", _SUBSET.clean(html))


def _depth(clean: str) -> int:
    depth = deepest = 0
    for closing, tag in _TAG.findall(clean):
        if tag != "br":
            depth += -1 if closing else 1
            deepest = max(deepest, depth)
    return deepest


def _few_elements(html: str) -> bool:
    return sum(1 for _ in _OPENING.finditer(html)) <= ELEMENTS_MAX


def _as_paragraph(html: str) -> str:
    words = without_controls(entities.unescape(_MARKUP.sub("", html)))
    return _clean(f"<p>{entities.escape(words, quote=False)}</p>")
