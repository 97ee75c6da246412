"""Qualtrics writes its questions and choices in HTML; we show them as text."""

import html
import re

BREAKS = re.compile(r"<(?:br|/?(?:p|div|li|tr|td|h[1-6]))\b[^<>]*>", re.IGNORECASE)
LONGEST_HTML = 100_000


def plain_text(source: str | None) -> str:
    """What a text of Qualtrics' says, on one line; it is a text already when it holds no markup."""
    import nh3  # noqa: PLC0415 - only who reads a survey needs it

    marked = BREAKS.sub(" ", (source or "")[:LONGEST_HTML])
    bare = html.unescape(nh3.clean(marked, tags=set(), clean_content_tags={"script", "style"}))
    return " ".join(bare.replace("\x00", "").split())
