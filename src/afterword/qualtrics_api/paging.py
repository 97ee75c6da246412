"""Lists in pages: ``pageSize``, and ``offset`` or ``skipToken``; the answer names the page after."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from afterword.qualtrics import envelope
from afterword.qualtrics_api.answers import Refused

PAGE_SIZE = 100
LARGEST_PAGE = 500
"""A larger one is made this large: ``nextPage`` tells of the rest."""
LARGEST_OFFSET = 10**9
LONGEST_NUMBER = 10
"""Digits."""


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted. ``sized`` tells whether the caller chose the size."""

    size: int
    offset: int
    sized: bool

    @property
    def limit(self) -> int:
        """How many to look up: one more than the page holds tells whether there is another."""
        return self.size + 1


def read_page(query: Mapping[str, str]) -> Page:
    """Read which page is wanted.

    Raises:
        Refused: a parameter is empty or no number.
    """
    start = "offset" if "offset" in query else "skipToken"
    return Page(
        size=min(_number(query, "pageSize", PAGE_SIZE, least=1), LARGEST_PAGE),
        offset=min(_number(query, start, 0, least=0), LARGEST_OFFSET),
        sized="pageSize" in query,
    )


def page_result(address: str, page: Page, found: Sequence[object]) -> dict[str, object]:
    """``result`` of a list: ``found`` holds at most ``page.limit``.

    The page after is named by a whole address with ``offset`` last in it, as clients take it verbatim or cut it there.
    """
    next_page = None
    if len(found) > page.size:
        size = {"pageSize": page.size} if page.sized else {}
        next_page = f"{address}?{urlencode({**size, 'offset': page.offset + page.size})}"
    return {"elements": found[: page.size], "nextPage": next_page}


def _number(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text:
        raise Refused(envelope.PARAMETER_EMPTY, f"{name} should not be empty.")
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER and int(text) >= least):
        raise Refused(envelope.BAD_PARAMETER, f"{name} is to be a number from {least} on.")
    return int(text)
