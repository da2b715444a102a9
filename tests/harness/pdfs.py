"""Everything that a PDF holds: what is drawn, and what lies in its raw and unpacked objects."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, StreamObject, TextStringObject

if TYPE_CHECKING:
    from collections.abc import Iterator


def objects_of(reader: PdfReader) -> Iterator[Any]:
    """Yield every object that the file lists, in object streams or not, whether anything refers to it or not."""
    listed = {number for table in reader.xref.values() for number in table}
    for number in sorted(listed | set(reader.xref_objStm)):
        if number:
            yield reader.get_object(number)


def dictionaries_of(reader: PdfReader) -> Iterator[Any]:
    """Yield every dictionary of every object, also those within others."""
    for each in objects_of(reader):
        yield from _dictionaries(each)


def everything_in(pdf: bytes) -> str:
    """Return all words of a file, white space as single spaces: its pages' text, its bytes, streams and strings."""
    reader = PdfReader(io.BytesIO(pdf))
    parts = [words for page in reader.pages for words in _drawn(page)]
    parts += _readings(pdf)
    for each in objects_of(reader):
        parts += _held(each)
    return " ".join(" ".join(parts).split())


def _dictionaries(value: Any) -> Iterator[Any]:
    if isinstance(value, DictionaryObject):
        yield value
        for name in value:
            yield from _dictionaries(value.raw_get(name))
    elif isinstance(value, ArrayObject):
        for held in list.__iter__(value):
            yield from _dictionaries(held)


def _drawn(page: Any) -> Iterator[str]:
    try:
        yield page.extract_text()
    except LimitReachedError:
        return


def _held(value: Any) -> Iterator[str]:
    """Yield what an object says by itself; what it refers to is an object of its own."""
    if isinstance(value, StreamObject):
        yield from _readings(value.get_data())
    if isinstance(value, DictionaryObject):
        for name in value:
            yield str(name)
            yield from _held(value.raw_get(name))
    elif isinstance(value, ArrayObject):
        for held in list.__iter__(value):
            yield from _held(held)
    elif isinstance(value, TextStringObject):
        yield str(value)
    elif isinstance(value, ByteStringObject):
        yield from _readings(bytes(value))


def _readings(body: bytes) -> Iterator[str]:
    """Yield bytes as the encodings read them in which a PDF may hold words."""
    yield body.decode("latin-1")
    yield body.decode("utf-8", "ignore")
    for start in (0, 1):
        yield body[start:].decode("utf-16-be", "ignore")
