"""How a call to Gladly is made: in its turn, under watch, once, and ending in an answer or in an error of ours."""

import base64
import copy
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from math import inf
from time import monotonic
from typing import Self, TypeVar
from urllib.parse import urlencode

import msgspec

from afterword.gladly.addresses import check_base_address
from afterword.gladly.errors import (
    GladlyCustomerGone,
    GladlyMoved,
    GladlyNotFound,
    GladlyRateLimited,
    GladlyTimedOut,
    GladlyUnreachable,
    GladlyUnreadable,
    Told,
    error_for,
    read_refusal,
)
from afterword.gladly.limits import Seconds, read_headers
from afterword.gladly.models import Limited
from afterword.outcomes import Outcome
from afterword.outgoing.answers import Answer, Stream
from afterword.outgoing.budgets import Budget, Turn, Use
from afterword.outgoing.calls import Caller
from afterword.outgoing.failures import BrokenOff, LineTooLong, Unreachable
from afterword.outgoing.masking import masked
from afterword.outgoing.watching import Unwatched, Watch, watched, watching
from afterword.store.budgets import even_rate
from afterword.translating import N_

LIMIT_UNTIL_TOLD = 10.0
"""Requests a second of each HTTP method: what Gladly documents. Its headers tell the organization's own."""
PATIENCE = 30.0
"""Seconds that a call waits for its turn before it gives way: enough for 280 calls that wait with it."""
LONGEST_CHAIN_OF_MERGES = 5
GLADLY_ID = re.compile(r"(?=.*[^.])[\w~.-]{1,200}", re.ASCII)
PLACE = re.compile(r"{\w+}")
LARGEST_ITEM_ID = 49
NOT_FOUND = 404
LIMITED = "Gladly-Limited-Data"
"""The header of a list that was cut. It may be there and say ``false`` (unsure), so that its value counts."""

T = TypeVar("T")
Query = Sequence[tuple[str, str]]


class GladlyCalls:
    """One connected Gladly account; what can be asked of it stands in ``client.py``. See :class:`GladlyClient`."""

    def __init__(
        self,
        base_address: str,
        username: str,
        api_token: str,
        *,
        budget: Budget,
        budget_name: str,
        requests_per_second: float | None = None,
        use: Use = "live",
        patience: float = PATIENCE,
        caller: Caller | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._base = check_base_address(base_address)
        login = base64.b64encode(f"{username}:{api_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._secrets = (api_token, login)
        self._budget = budget
        self._budget_name = budget_name
        self._rate = even_rate(LIMIT_UNTIL_TOLD if requests_per_second is None else requests_per_second)
        self._most = inf if requests_per_second is None else self._rate
        self._use: Use = use
        self._seconds = Seconds()
        self._patience = patience
        self._caller = caller or Caller()
        self._watch = watch or Unwatched()

    def used_for(self, use: Use) -> Self:
        """The same account, over the same connections, for calls of another use."""
        if use == self._use:
            return self
        same = copy.copy(self)
        same._use = use  # noqa: SLF001 - it is a client of our own
        return same

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    async def _get(self, template: str, kind: type[T], *ids: str, query: Query = ()) -> T:
        return self._read("GET", template, await self._call("GET", template, *ids, query=query), kind)

    async def _get_limited(self, template: str, kind: type[T], *ids: str, query: Query = ()) -> Limited[T]:
        """A list that Gladly cuts when it is too long."""
        answer = await self._call("GET", template, *ids, query=query)
        listed = self._read("GET", template, answer, list[kind])  # type: ignore[valid-type]
        return Limited(listed, is_cut=answer.headers.get(LIMITED, "").strip().lower() == "true")

    async def _call(
        self, method: str, template: str, *ids: str, body: bytes | None = None, query: Query = ()
    ) -> Answer:
        """Make a call under watch; ``ids`` go into the braces of the template, which names the call to everybody."""
        call = f"{method} {template}"
        url = self._url(call, template, query, ids)
        return await watched(self._watch, call, lambda: self._call_in_turn(call, method, url, body))

    async def _call_in_turn(self, call: str, method: str, url: str, body: bytes | None) -> Answer:
        turn = await self._wait_for_turn(method)
        sent = monotonic()
        try:
            answer = await self._caller.call(method, url, headers=self._headers, body=body)
        except (Unreachable, BrokenOff) as error:
            raise _failure(call, error) from None
        await self._heed(method, turn, sent, answer.headers)
        if not _is_good(answer):
            raise await self._refusal(call, method, answer)
        return answer

    async def _lines(
        self, method: str, template: str, *ids: str, body: bytes | None = None, query: Query = ()
    ) -> AsyncGenerator[bytes, None]:
        """Make a call under watch whose answer is read line by line while it comes."""
        call = f"{method} {template}"
        url = self._url(call, template, query, ids)
        async with watching(self._watch, call):
            turn = await self._wait_for_turn(method)
            sent = monotonic()
            try:
                async with self._caller.stream(method, url, headers=self._headers, body=body) as stream:
                    await self._heed(method, turn, sent, stream.headers)
                    if not _is_good(stream):
                        raise await self._refusal(call, method, await stream.whole())
                    async for line in stream.lines():
                        yield line
            except (Unreachable, BrokenOff, LineTooLong) as error:
                raise _failure(call, error) from None

    def _url(self, call: str, template: str, query: Query, ids: Sequence[str]) -> str:
        if not all(map(GLADLY_ID.fullmatch, ids)):
            raise error_for(Told(call=call, status=404, words=N_("the id has not the form of Gladly's ids")))
        filled = iter(ids)
        path = PLACE.sub(lambda _: next(filled), template)
        return self._base + path + ("?" + urlencode(query) if query else "")

    async def _wait_for_turn(self, method: str) -> Turn:
        return await self._budget.wait_for_turn(
            self._name(method), self._rate, 1.0, self._patience, use=self._use, most_per_second=self._most
        )

    def _name(self, method: str) -> str:
        return f"gladly/{self._budget_name}/{method}"

    async def _heed(self, method: str, turn: Turn, sent: float, headers: Mapping[str, str]) -> None:
        """Let the vendor's own headers correct the budget."""
        told = read_headers(headers)
        if told.limit is not None and min(even_rate(told.limit), self._most) != turn.per_second:
            await self._budget.adopt(self._name(method), even_rate(told.limit))
        pause = self._seconds.until_next(method, told, turn, sent, monotonic())
        if pause > 0:
            await self._budget.pause(self._name(method), pause)

    async def _refusal(self, call: str, method: str, answer: Answer) -> Outcome:
        outcome = error_for(
            read_refusal(
                call,
                answer.status,
                answer.text,
                location=answer.headers.get("Location"),
                after=answer.retry_after,
                secrets=self._secrets,
            )
        )
        if isinstance(outcome, GladlyRateLimited) and outcome.after:
            await self._budget.penalise(self._name(method), outcome.after)
        return outcome

    def _read(self, method: str, template: str, answer: Answer, kind: type[T]) -> T:
        call = f"{method} {template}"
        if answer.cut:
            raise GladlyUnreadable(Told(call=call, status=answer.status, words=N_("it is longer than 5 MB")))
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            words = masked(str(error)) if isinstance(error, msgspec.ValidationError) else N_("it is not JSON")
            raise GladlyUnreadable(Told(call=call, status=answer.status, words=words)) from None

    def _created(self, template: str, answer: Answer) -> str:
        """The id of what was created: at the end of ``Location``, else in the body."""
        created = answer.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        return created or self._read("POST", template, answer, HasId).id


class HasId(msgspec.Struct, frozen=True):
    """Anything of Gladly's that has an id."""

    id: str


def check_own_id(id_: str, name: str) -> None:
    """Check an id of ours.

    Raises:
        ValueError: Gladly would not take it.
    """
    if len(id_) > LARGEST_ITEM_ID or not GLADLY_ID.fullmatch(id_):
        raise ValueError(f"{name}: under 50 URL-safe characters")


async def following_merges(call: Callable[[str], Awaitable[T]], customer_id: str) -> T:
    """Call for a customer, and for the one that it was merged into, and so on, a few times."""
    for _ in range(LONGEST_CHAIN_OF_MERGES):
        try:
            return await _of_customer(call, customer_id)
        except GladlyMoved as moved:
            if moved.new_id is None or moved.new_id == customer_id:
                raise
            customer_id = moved.new_id
    return await _of_customer(call, customer_id)


async def _of_customer(call: Callable[[str], Awaitable[T]], customer_id: str) -> T:
    """Call for a customer: what is not found then is the customer."""
    try:
        return await call(customer_id)
    except GladlyNotFound as missing:
        if missing.told.status == NOT_FOUND:
            raise GladlyCustomerGone(missing.told) from None
        raise


def _is_good(answer: Answer | Stream) -> bool:
    return 200 <= answer.status < 300  # noqa: PLR2004


def _failure(call: str, error: Unreachable | BrokenOff | LineTooLong) -> Outcome:
    told = Told(call=call, words=str(error))
    if isinstance(error, Unreachable):
        return GladlyUnreachable(told)
    return GladlyTimedOut(told) if isinstance(error, BrokenOff) else GladlyUnreadable(told)
