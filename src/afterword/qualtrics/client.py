"""Calls to Qualtrics, or to an Afterword in its place, one account each.

Every call waits for its turn in the rate budget of its brand, is made once, and ends in a typed answer or in
one of the errors of ``errors.py``; nobody above sees an HTTP library's exception. The address of a JSON event
is a secret and stands in no error.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from afterword.outgoing.answers import Answer
from afterword.outgoing.budgets import Budget
from afterword.outgoing.calls import Caller
from afterword.outgoing.failures import BrokenOff, Unreachable
from afterword.outgoing.watching import Unwatched, Watch, watched
from afterword.qualtrics.addresses import SECRET_PARAMETER, check_base_address, check_json_event_url
from afterword.qualtrics.answers import notice_in, read_result, request_id_in
from afterword.qualtrics.errors import (
    SEND_JSON_EVENT,
    QualtricsEventTooLarge,
    QualtricsRateLimited,
    QualtricsTimedOut,
    QualtricsUnreachable,
    Told,
    error_for,
    read_refusal,
)
from afterword.qualtrics.flows import Flow, read_flow
from afterword.qualtrics.models import (
    EventSubscription,
    Survey,
    SurveyResponse,
    SurveySummary,
    Whoami,
    read_page,
    read_response,
    read_survey,
)
from afterword.translating import said

LARGEST_EVENT = 100_000
"""Bytes. Qualtrics documents 100 KB and not which; this is the lesser."""
SHARE_OF_LIMIT = 0.96
BURST_SHARE = 0.02
"""Of the calls of a minute: so many may be made at once. Together with the share it stays within the
limit.
"""
PATIENCE = 30.0
MOST_PAGES = 500

T = TypeVar("T")


class Limit(msgspec.Struct, frozen=True):
    """A limit of some calls alone, beside the brand's; requests a minute."""

    name: str
    per_minute: float


RESPONSES = Limit("responses", 240)
EVENT_SUBSCRIPTIONS = Limit("eventsubscriptions", 120)


class EventSent(msgspec.Struct, frozen=True):
    """Qualtrics took the event. What its workflow makes of it shows in the workflow's run history alone.

    ``request_id`` is empty when the answer had none.
    """

    request_id: str = ""


class QualtricsClient:
    """One connected Qualtrics account. Connections are opened with the first call; ``close()`` closes them.

    ``requests_per_minute`` is Qualtrics' limit for the brand. Its budget is named for ``brand_id``; as long as that is
    not known it goes by host, which is never laxer. ``watch`` is asked before each call and told after it. All calls
    raise the errors of ``errors.py``, what the watch raises in their place, and what the budget raises when the wait
    would be too long.

    Raises:
        InvalidAddress: ``base_address`` is not the address of an API.
    """

    def __init__(
        self,
        base_address: str,
        api_token: str,
        *,
        budget: Budget,
        brand_id: str | None = None,
        requests_per_minute: float = 3000.0,
        patience: float = PATIENCE,
        caller: Caller | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._base = f"{check_base_address(base_address)}/API/v3"
        self._api_token = api_token
        self._budget = budget
        self._brand_id = brand_id
        self._per_minute = requests_per_minute
        self._patience = patience
        self._caller = caller or Caller()
        self._watch = watch or Unwatched()

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    async def send_json_event(self, url: str, fields: Mapping[str, str], idempotency_key: str) -> EventSent:
        """Send a JSON event, at most 100 KB.

        ``idempotency_key`` lets an Afterword tell a repeat; Qualtrics itself documents nothing of the kind
        and may start its workflow twice (unsure).

        Raises:
            InvalidAddress: ``url`` is not the address of a JSON event.
        """
        url = check_json_event_url(url)
        body = msgspec.json.encode(dict(fields))
        if len(body) > LARGEST_EVENT:
            raise QualtricsEventTooLarge(
                Told(call=SEND_JSON_EVENT, words=said("this one has %(bytes)s bytes", bytes=len(body)))
            )
        answer = await self._call(
            SEND_JSON_EVENT,
            "POST",
            url,
            body=body,
            headers={"Idempotency-Key": idempotency_key},
            secrets=parse_qs(urlsplit(url).query).get(SECRET_PARAMETER, []),
        )
        return EventSent(request_id_in(call=SEND_JSON_EVENT, answer=answer))

    async def whoami(self) -> Whoami:
        """Whose token it is: tells whether it is right, and whether there is a nearer address."""
        call = "GET /API/v3/whoami"
        answer = await self._call(call, "GET", f"{self._base}/whoami")
        whoami = read_result(
            call, answer, lambda result: msgspec.json.decode(result, type=Whoami, strict=False)
        )
        return msgspec.structs.replace(whoami, notice=notice_in(answer, [self._api_token]))

    async def surveys(self) -> list[SurveySummary]:
        """Every survey that the token's user may see: their own, and those shared with them."""
        return await self._all("/surveys", SurveySummary, None)

    async def survey(self, survey_id: str) -> Survey:
        """A survey with its questions, in the older of the two forms that Qualtrics has for it."""
        return await self._get("/surveys/{id}", read_survey, survey_id)

    async def flow(self, survey_id: str) -> Flow:
        """What a survey's flow declares."""
        return await self._get("/survey-definitions/{id}/flow", read_flow, survey_id)

    async def response(self, survey_id: str, response_id: str) -> tuple[SurveyResponse, str]:
        """One response, and the JSON that it was read from. One that was just announced may not be there yet: 404."""
        call = "GET /API/v3/surveys/{id}/responses/{id}"
        url = f"{self._base}/surveys/{_segment(survey_id)}/responses/{_segment(response_id)}"
        answer = await self._call(call, "GET", url, limit=RESPONSES)
        return read_result(call, answer, lambda result: (read_response(result, response_id), result.decode()))

    async def event_subscriptions(self) -> list[EventSubscription]:
        """The brand's event subscriptions, ours and others'. For a brand administrator's token alone: else 403."""
        return await self._all("/eventsubscriptions", EventSubscription, EVENT_SUBSCRIPTIONS)

    async def create_event_subscription(self, topic: str, publication_url: str, shared_key: str) -> str:
        """Subscribe, signed and not encrypted; answers the id (``SUB_…``).

        The address has to answer a GET and a POST with 200 while this is under way. Not to be repeated blindly after an
        unknown outcome: look whether one with this address is there.
        """
        call = "POST /API/v3/eventsubscriptions"
        body = {"topics": topic, "publicationUrl": publication_url, "encrypt": False, "sharedKey": shared_key}
        answer = await self._call(
            call,
            "POST",
            f"{self._base}/eventsubscriptions",
            body=msgspec.json.encode(body),
            secrets=[shared_key],
            limit=EVENT_SUBSCRIPTIONS,
        )
        return read_result(call, answer, lambda result: msgspec.json.decode(result, type=_HasId)).id

    async def delete_event_subscription(self, subscription_id: str) -> None:
        """End a subscription. There is no call that changes one."""
        url = f"{self._base}/eventsubscriptions/{_segment(subscription_id)}"
        call = "DELETE /API/v3/eventsubscriptions/{id}"
        await self._call(call, "DELETE", url, limit=EVENT_SUBSCRIPTIONS)

    async def _get(self, template: str, read: Callable[[bytes], T], id_: str) -> T:
        call = f"GET /API/v3{template}"
        url = self._base + template.format(id=_segment(id_))
        return read_result(call, await self._call(call, "GET", url), read)

    async def _all(self, path: str, kind: type[T], limit: Limit | None) -> list[T]:
        """A whole list. Of ``nextPage``, a whole address, its query alone is taken: the token goes nowhere else."""
        call, query = f"GET /API/v3{path}", "offset=0"
        found: list[T] = []
        seen: set[str] = set()
        while query and query not in seen and len(seen) < MOST_PAGES:
            seen.add(query)
            answer = await self._call(call, "GET", f"{self._base}{path}?{query}", limit=limit)
            elements, query = read_result(call, answer, lambda result: read_page(result, kind))
            found += elements
        return found

    async def _call(
        self,
        call: str,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        limit: Limit | None = None,
    ) -> Answer:
        """Make a call under watch; ``call`` names it without what varies."""
        sent = {"X-API-TOKEN": self._api_token, **(headers or {})}
        budgets = self._budgets(url, limit)

        async def make() -> Answer:
            await self._wait_for_turn(budgets)
            try:
                answer = await self._caller.call(method, url, headers=sent, body=body)
            except Unreachable as error:
                raise QualtricsUnreachable(Told(call=call, words=str(error))) from None
            except BrokenOff as error:
                raise QualtricsTimedOut(Told(call=call, words=str(error))) from None
            if 200 <= answer.status < 300:  # noqa: PLR2004
                return answer
            hidden = (self._api_token, *secrets)
            told = read_refusal(call, answer.status, answer.text, after=answer.retry_after, secrets=hidden)
            outcome = error_for(told)
            if isinstance(outcome, QualtricsRateLimited) and outcome.after:
                await self._budget.penalise(budgets[-1][0], outcome.after)
            raise outcome

        return await watched(self._watch, call, make)

    async def _wait_for_turn(self, budgets: list[tuple[str, float]]) -> None:
        for name, per_minute in budgets:
            rate, burst = SHARE_OF_LIMIT * per_minute / 60, max(1.0, BURST_SHARE * per_minute)
            await self._budget.wait_for_turn(name, rate, burst, self._patience)

    def _budgets(self, url: str, limit: Limit | None) -> list[tuple[str, float]]:
        """The budgets that a call comes out of, the narrowest last; each with its limit a minute."""
        brand = f"qualtrics/{self._brand_id or urlsplit(url).netloc.lower()}"
        narrow = [] if limit is None else [(f"{brand}/{limit.name}", min(limit.per_minute, self._per_minute))]
        return [(brand, self._per_minute), *narrow]


class _HasId(msgspec.Struct, frozen=True):
    id: str


UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def _segment(id_: str) -> str:
    """An id as a part of a path."""
    return quote(UNSAFE.sub("-", id_), safe="") or "-"
