"""Trying a subscription's address before it is stored: it has to answer GET and POST with 200, as with Qualtrics."""

import asyncio

import msgspec

from afterword.outgoing.calls import Caller
from afterword.outgoing.failures import BrokenOff, Unreachable
from afterword.qualtrics.envelope import BRAND
from afterword.subscriptions.messages import FORM, make_form
from afterword.subscriptions.subscriptions import InvalidSubscription, NewSubscription
from afterword.subscriptions.topics import parse_topics

ANSWERS_WITHIN_SECONDS = 5.0
OK = 200
STATUS = "Test"
"""``Status`` of the message that is sent to try an address: no event's."""


async def try_address(new: NewSubscription, *, allow_private: bool) -> None:
    """Call the address by GET and by POST; what is posted is signed as a delivery is, and tells of nothing.

    Raises:
        InvalidSubscription: it did not answer both with 200 within 5 seconds.
    """
    caller = Caller(
        allow_private=allow_private,
        connect_seconds=ANSWERS_WITHIN_SECONDS,
        total_seconds=ANSWERS_WITHIN_SECONDS,
    )
    topic = parse_topics(new.topics)[0]
    message = msgspec.json.encode({"Status": STATUS, "BrandID": BRAND}).decode()
    body = make_form(topic, message, new.shared_key)
    try:
        answers = await asyncio.gather(
            _try(caller, "GET", new.publication_url, None), _try(caller, "POST", new.publication_url, body)
        )
    finally:
        await caller.close()
    troubles = [trouble for trouble in answers if trouble]
    if troubles:
        raise InvalidSubscription(
            f"publicationUrl has to answer GET and POST with 200 within {ANSWERS_WITHIN_SECONDS:g} s: "
            f"{'; '.join(troubles)}."
        )


async def _try(caller: Caller, method: str, url: str, body: bytes | None) -> str:
    """What was wrong; empty when nothing."""
    headers = {} if body is None else {"Content-Type": FORM}
    try:
        answer = await caller.call(method, url, headers=headers, body=body)
    except (Unreachable, BrokenOff) as error:
        return f"{method}: {error}"
    return "" if answer.status == OK else f"{method} was answered with {answer.status}"
