"""What somebody might write to break the PDF, spy through it or make the service wait: answers, whole documents."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from component.packets.pdf_documents import ENDLESS, a_document
from packets.pdf import PdfAnswer, PdfDocument, PdfRating

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTS = 200
ZALGO = "".join(map(chr, range(0x300, 0x370)))
SCRIPTS = "日本語 한국어 中文 ไทย हिन्दी தமிழ் አማርኛ ქართული ᚠᛇᚻ \U0001d518\U0001d52b 𒀀𒁀"
EMOJI = (
    *("\U0001f469\U0001f3fd\u200d\U0001f680", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1ea\U0001f1fa"),
    *("\u2764\ufe0f\u200d\U0001f525", "1\ufe0f\u20e3", "\U0001f600", "\U0001f3f4\U000e0067\U000e0062\U000e007f"),
)
TAGS = (
    *(
        "p",
        "br",
        "strong",
        "em",
        "ul",
        "ol",
        "li",
        "blockquote",
        "h1",
        "h3",
        "h4",
        "a",
        "div",
        "table",
        "tr",
        "td",
        "dl",
    ),
    *("style", "script", "svg", "math", "img", "iframe", "object", "template", "noscript", "select"),
)
BREAKOUTS = (
    '"></p></body></html><img src={server}/out>',
    "</title><link rel=stylesheet href={server}/title>",
    "*/ @import url({server}/comment); /*",
    "'); } @page {{ background: url({server}/page) }} p {{ content: url('{server}/quote",
    "{{{{ ''.__class__.__mro__ }}}} {{% include '/etc/passwd' %}}",
    'en" style="background: url({server}/lang)',
    "--></style><script src={server}/js></script>",
    "expression(fetch('{server}/ie'))\\0a",
    "\x00\u202e\u2066\ud7ff{server}\u2028\u2029",
)

# Answers that take minutes to draw are no larger than what people may send.
ANSWERS = {
    "local file": "<img src=file:///etc/passwd><p>x</p>",
    "http image": "<img src={server}/img>",
    "import": "<style>@import url({server}/css);</style>",
    "style attribute": '<p style="background: url({server}/bg)">x</p>',
    "linked style sheet": "<link rel=stylesheet href={server}/link>",
    "attachment": "<link rel=attachment href=file:///etc/passwd>",
    "base": "<base href={server}/><img src=relative>",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{server}/svg"/><use href="file:///etc/passwd#x"/></svg>',
    "svg in data": "<img src='data:image/svg+xml,<svg><image href={server}/d /></svg>'>",
    "object": "<object data={server}/object></object><embed src={server}/embed><iframe src={server}/frame></iframe>",
    "font": "<style>@font-face {{ font-family: x; src: url({server}/font) }}</style><p style='font-family: x'>x</p>",
    "content": "<style>p::before {{ content: url({server}/content) }}</style><p>x</p>",
    "script": "<script>fetch('{server}/script')</script>",
    "picture": "<picture><source srcset={server}/a><img srcset='{server}/b 2x'></picture>",
    "link": "<a href='{server}/a'>x</a><a href='javascript:x'>y</a><a href=file:///etc/passwd>z</a>",
    "form": "<form action={server}/f><input type=image src={server}/i></form>",
    "data bomb": "<img src='data:image/png;base64," + "A" * 500_000 + "'>",
    "entity bomb": "&amp;" * 100_000,
    "doctype": '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><p>&y;</p>',
    "deep nesting": "<blockquote>" * 20_000 + "x",
    "deep lists": "<ul><li>" * 20_000 + "x",
    "deep inline": "<strong><em>" * 20_000 + "x",
    "huge table": "<table>" + ("<tr>" + "<td>x</td>" * 50 + "</tr>") * 1_000,
    "long word": "x" * 1_048_576,
    "many words": ENDLESS,
    "many paragraphs": "<p>x</p>" * 1_900,
    "combining marks": "a" + "\u0301" * 100_000,
    "bidi": "<p>" + "\u202e\u2066abc\u200f" * 2_000 + "مرحبا שלום" * 100 + "</p>",
    "controls": "<p>" + "".join(map(chr, range(0x20))) + "&#0;&#x1b;\ufffe\uffff\x85</p>",
    "invisible": "\u200d\u00ad\ufeff" * 10_000,
    "private use": "\ue000\U000f0000" * 1_000,
}


def hostile_documents() -> list[tuple[str, PdfDocument]]:
    """Documents from a fixed chance, each named; `{server}` stands where an address is to be asked for."""
    kinds = list(KINDS.items())
    return [_hostile_document(number, *kinds[number % len(kinds)]) for number in range(DOCUMENTS)]


def _hostile_document(number: int, kind: str, write: Callable[[random.Random], str]) -> tuple[str, PdfDocument]:
    chance = random.Random(number)
    words = [chance.choice(BREAKOUTS) + write(chance)[: chance.choice((20, 100, 400))] for _ in range(6)]
    lowest, highest = sorted(chance.sample(range(-1_000, 1_001), 2))
    rating = PdfRating(
        value=chance.randint(lowest, highest), lowest=lowest, highest=highest, labels=tuple(words), caption=words[0]
    )
    answers = [PdfAnswer(question=words[1], html=write(chance)) for _ in range(1 + number % 2)]
    steps = PdfRating(value=2, lowest=0, highest=len(words) - 1, labels=tuple(words))
    names = {"company": words[2], "reviewee_name": words[3], "manager_name": words[4], "period": words[5]}
    if number % 2:
        return f"{number} {kind}", a_document(questions=tuple(answers), rating=steps)
    questions = (*answers, PdfAnswer(question=words[0], rating=steps))
    language = chance.choice(BREAKOUTS)
    return f"{number} {kind}", a_document(
        questions=questions, rating=rating, language=language, draft=not number % 4, **names
    )


def _paragraphs(chance: random.Random) -> str:
    return "".join(f"<p>{'word ' * chance.randint(1, 200)}</p>" for _ in range(chance.randint(1, 8)))


def _nested(chance: random.Random) -> str:
    opening = chance.choice(
        ("<ul><li>", "<ol><li>x", "<blockquote>", "<strong><em>", "<h3><h4>", "<a href=https://x/>")
    )
    return opening * chance.choice((10, 31, 33, 500, 5_000)) + "x"


def _long_word(chance: random.Random) -> str:
    return chance.choice("xWi漢ж\u00ad\u200b") * chance.choice((300, 1_000, 3_000))


def _links(chance: random.Random) -> str:
    schemes = (
        "https://e.example/",
        "javascript:alert(",
        "file:///etc/passwd#",
        "{server}/",
        "data:text/html,",
        "mailto:a@b.c?",
    )
    return "".join(
        f'<a href="{chance.choice(schemes)}{number}">x</a> ' for number in range(chance.choice((20, 100, 2_500)))
    )


def _bidi(chance: random.Random) -> str:
    return "".join(
        chance.choice("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200fאבגمرح abc") for _ in range(1_000)
    )


def _controls(chance: random.Random) -> str:
    plain = "".join(chr(chance.choice((*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFEFF, 0x61))) for _ in range(300))
    return plain + "".join(f"&#{chance.randint(0, 0x110000)};" for _ in range(100))


def _styles(chance: random.Random) -> str:
    rules = (
        "@import url({server}/import);",
        "@font-face {{ font-family: x; src: url({server}/font) }} * {{ font-family: x }}",
        "p::before {{ content: url({server}/content) }}",
        "@page {{ size: 1mm 1mm; @top-left {{ content: url(file:///etc/passwd) }} }}",
        "* {{ width: 999999999mm; height: 1e30mm; columns: 10000 }}",
        "p {{ string-set: company 'forged'; bookmark-label: 'forged' }}",
    )
    rule = chance.choice(rules)
    return f'<style>{rule}</style><p style="{rule}">x</p><link rel=stylesheet href="{{server}}/{rule}">'


def _embedded(chance: random.Random) -> str:
    sources = (
        "data:image/png;base64," + "A" * chance.choice((10, 100_000)),
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='{server}/svg'/></svg>",
        "file:///etc/passwd",
        "{server}/img",
        "//127.0.0.1/x",
    )
    source = chance.choice(sources)
    return (
        f'<img src="{source}" srcset="{source} 2x"><object data="{source}"></object><iframe src="{source}"></iframe>'
        f'<svg><image href="{source}"/><use href="{source}#x"/><foreignObject><p>x</p></foreignObject></svg>'
        f'<embed src="{source}"><input type=image src="{source}"><link rel=attachment href="{source}">'
    )


def _unbalanced(chance: random.Random) -> str:
    pieces = ("<{}>", "</{}>", "<{} ", "<{}/>", "<!-- {}", "<![CDATA[{}", "&{};", "<{} a='\">", "x", "<?{}")
    return "".join(chance.choice(pieces).format(chance.choice(TAGS)) for _ in range(chance.choice((50, 200, 3_000))))


def _emoji(chance: random.Random) -> str:
    return "".join(chance.choice(EMOJI) for _ in range(chance.choice((10, 200))))


def _zalgo(chance: random.Random) -> str:
    return "".join(
        chance.choice("Zalgo ") + "".join(chance.choices(ZALGO, k=30)) for _ in range(chance.choice((20, 60)))
    )


def _scripts(chance: random.Random) -> str:
    return SCRIPTS * chance.choice((1, 30)) + "".join(
        chr(chance.choice((0xE000, 0xF0000, 0x20000))) for _ in range(100)
    )


def _forms(chance: random.Random) -> str:
    table = "<table border=1>" + ("<tr>" + "<td colspan=1000 rowspan=1000>x" * 20) * chance.choice((1, 10))
    return f"<form action={{server}}/f><textarea>x</form>{table}<video src={{server}}/v><audio src={{server}}/a>"


KINDS: dict[str, Callable[[random.Random], str]] = {
    "paragraphs": _paragraphs,
    "nested": _nested,
    "long word": _long_word,
    "links": _links,
    "bidi": _bidi,
    "controls": _controls,
    "styles": _styles,
    "embedded": _embedded,
    "unbalanced": _unbalanced,
    "emoji": _emoji,
    "zalgo": _zalgo,
    "scripts": _scripts,
    "forms": _forms,
}
