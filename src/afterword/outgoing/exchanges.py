"""What was exchanged with others while a task was carried out, kept for run history."""

import contextlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar

import msgspec

from afterword.outgoing.masking import without_secrets

KEPT_OF_A_BODY = 10_000
"""Bytes of each body that run history keeps."""
MOST_EXCHANGES = 20
FIRST_BAD_STATUS = 300
NOT_KEPT = "(not kept)"
"""In the place of an answer that run history does not keep."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A call as run history keeps it: no header, no value of a query (an address may be a secret), bodies cut."""

    method: str
    address: str
    request: str = ""
    status: int | None = None
    answer: str = ""
    error: str = ""
    milliseconds: int = 0
    cut: bool = False
    """Whether a body was longer than is kept."""
    purpose: str = msgspec.field(name="for", default="")
    """What the call was made for, where a task says so."""


class Purpose(msgspec.Struct, frozen=True):
    """What calls are made for, and whether run history keeps what is answered."""

    words: str = ""
    keeps_answers: bool = True


NO_PURPOSE = Purpose()

_exchanges: ContextVar[list[Exchange] | None] = ContextVar("exchanges", default=None)
_purpose: ContextVar["Purpose"] = ContextVar("purpose")


@contextlib.contextmanager
def recorded_exchanges() -> Iterator[list[Exchange]]:
    """Collect the calls that are made within the block, by this task and those that it starts."""
    exchanges: list[Exchange] = []
    token = _exchanges.set(exchanges)
    try:
        yield exchanges
    finally:
        _exchanges.reset(token)


@contextlib.contextmanager
def made_for(purpose: str, *, keeps_answers: bool = True) -> Iterator[None]:
    """Say what the calls within the block are made for, in a few words: ``rule: topics``.

    Without ``keeps_answers`` run history keeps no good answer, as where it is full of what nobody needs to know.
    """
    token = _purpose.set(Purpose(purpose, keeps_answers))
    try:
        yield
    finally:
        _purpose.reset(token)


def record_exchange(exchange: Exchange) -> None:
    """Keep a call, where somebody collects them; for what goes out in other ways than :class:`Caller`'s."""
    exchanges, purpose = _exchanges.get(), _purpose.get(NO_PURPOSE)
    if exchanges is None or len(exchanges) >= MOST_EXCHANGES:
        return
    is_good = exchange.status is not None and exchange.status < FIRST_BAD_STATUS
    exchanges.append(
        msgspec.structs.replace(
            exchange,
            purpose=exchange.purpose or purpose.words,
            answer=NOT_KEPT if is_good and not purpose.keeps_answers else exchange.answer,
        )
    )


def excerpt(body: bytes, secrets: Iterable[str] = ()) -> tuple[str, bool]:
    """The beginning of a body, and whether there was more.

    Secrets are hidden before it is cut, lest the beginning of one is left.
    """
    text = without_secrets(body[: 2 * KEPT_OF_A_BODY].decode("utf-8", "replace"), secrets)
    kept = text.encode()[:KEPT_OF_A_BODY].decode("utf-8", "ignore")
    return kept.replace("\x00", "\N{REPLACEMENT CHARACTER}"), len(body) > KEPT_OF_A_BODY


def without_query_values(url: str) -> str:
    """The address with the names of its query alone: a value may be a secret."""
    address, question_mark, query = url.partition("?")
    names = [part.partition("=")[0] for part in query.split("&")]
    return address + question_mark + "&".join(f"{name}=…" for name in names if name)
