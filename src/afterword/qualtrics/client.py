"""Calls to Qualtrics, or to an Afterword in its place.

Every call waits for its turn in the rate budget of its host, is made once, and ends in a typed answer or in
one of the errors of ``errors.py``; nobody above sees an HTTP library's exception. The address of a JSON event
is a secret and stands in no error.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs, urlsplit

import msgspec

from afterword.outgoing.calls import Answer, BrokenOff, Budget, Caller, Unreachable
from afterword.outgoing.masking import masked
from afterword.outgoing.watching import Unwatched, Watch, watched
from afterword.qualtrics.addresses import SECRET_PARAMETER, check_base_address, check_json_event_url
from afterword.qualtrics.errors import (
    QualtricsEventTooLarge,
    QualtricsRateLimited,
    QualtricsTimedOut,
    QualtricsUnreachable,
    QualtricsUnreadable,
    Told,
    error_for,
    read_refusal,
)

LARGEST_EVENT = 100_000
"""Bytes. Qualtrics documents 100 KB and not which; this is the lesser."""
SHARE_OF_LIMIT = 0.96
BURST_SHARE = 0.02
"""Of the calls of a minute: so many may be made at once. Together with the share it stays within the
limit.
"""
PATIENCE = 30.0
SEND_JSON_EVENT = "send JSON event"
WHOAMI = "GET /API/v3/whoami"


class Whoami(msgspec.Struct, frozen=True, rename="camel"):
    """Whose token it is."""

    user_id: str
    brand_id: str | None = None
    user_name: str | None = None
    account_type: str | None = None
    datacenter: str | None = None


class EventSent(msgspec.Struct, frozen=True):
    """Qualtrics took the event. What its workflow makes of it shows in the workflow's run history alone.

    ``request_id`` is empty when the answer had none.
    """

    request_id: str = ""


class QualtricsClient:
    """Calls of one process. Connections are opened with the first call; ``close()`` closes them.

    ``requests_per_minute`` is Qualtrics' limit for the brand; budgets go by host, which is never laxer than
    by brand. ``watch`` is asked before each call and told after it. All calls raise the errors of
    ``errors.py``, what the watch raises in their place, and what the budget raises when the wait would be too
    long.
    """

    def __init__(
        self,
        *,
        budget: Budget,
        requests_per_minute: float = 3000.0,
        patience: float = PATIENCE,
        caller: Caller | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._budget = budget
        self._rate = SHARE_OF_LIMIT * requests_per_minute / 60
        self._burst = max(1.0, BURST_SHARE * requests_per_minute)
        self._patience = patience
        self._caller = caller or Caller()
        self._watch = watch or Unwatched()

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    async def send_json_event(
        self, url: str, api_token: str, fields: Mapping[str, str], idempotency_key: str
    ) -> EventSent:
        """Send a JSON event, at most 100 KB.

        ``idempotency_key`` lets an Afterword tell a repeat; Qualtrics itself documents nothing of the kind
        and may start its workflow twice (unsure).

        Raises:
            InvalidAddress: ``url`` is not the address of a JSON event.
        """
        url = check_json_event_url(url)
        body = msgspec.json.encode(dict(fields))
        if len(body) > LARGEST_EVENT:
            raise QualtricsEventTooLarge(Told(call=SEND_JSON_EVENT, words=f"this one has {len(body)} bytes"))
        headers = {"X-API-TOKEN": api_token, "Idempotency-Key": idempotency_key}
        secrets = [api_token, *parse_qs(urlsplit(url).query).get(SECRET_PARAMETER, [])]
        answer = await self._call(SEND_JSON_EVENT, "POST", url, headers, secrets=secrets, body=body)
        return EventSent(_request_id(answer))

    async def whoami(self, base_address: str, api_token: str) -> Whoami:
        """Whose token it is: tells whether it is right.

        Raises:
            InvalidAddress: ``base_address`` is not the address of an API.
        """
        url = f"{check_base_address(base_address)}/API/v3/whoami"
        answer = await self._call(WHOAMI, "GET", url, {"X-API-TOKEN": api_token}, secrets=[api_token])
        try:
            return msgspec.json.decode(answer.body, type=_WhoamiAnswer).result
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            words = masked(str(error)) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
            raise QualtricsUnreadable(Told(call=WHOAMI, status=answer.status, words=words)) from None

    async def _call(
        self,
        call: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        secrets: Iterable[str],
        body: bytes | None = None,
    ) -> Answer:
        """Make a call under watch."""
        return await watched(
            self._watch,
            call,
            lambda: self._call_in_turn(call, method, url, headers, secrets=secrets, body=body),
        )

    async def _call_in_turn(
        self,
        call: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        secrets: Iterable[str],
        body: bytes | None,
    ) -> Answer:
        budget_name = f"qualtrics/{urlsplit(url).netloc.lower()}"
        await self._budget.wait_for_turn(budget_name, self._rate, self._burst, self._patience)
        try:
            answer = await self._caller.call(method, url, headers=headers, body=body)
        except Unreachable as error:
            raise QualtricsUnreachable(Told(call=call, words=str(error))) from None
        except BrokenOff as error:
            raise QualtricsTimedOut(Told(call=call, words=str(error))) from None
        if 200 <= answer.status < 300:  # noqa: PLR2004
            return answer
        outcome = error_for(
            read_refusal(call, answer.status, answer.text, after=answer.retry_after, secrets=secrets)
        )
        if isinstance(outcome, QualtricsRateLimited) and outcome.after:
            await self._budget.penalise(budget_name, outcome.after)
        raise outcome


class _WhoamiAnswer(msgspec.Struct, frozen=True):
    result: Whoami


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str | None = None


class _EventAnswer(msgspec.Struct, frozen=True):
    meta: _Meta | None = None


def _request_id(answer: Answer) -> str:
    """The id in an answer's envelope.

    What a good answer holds is unsure, so that any JSON will do, and nothing too; a page in its place is a
    gateway's.
    """
    if not answer.body.strip():
        return ""
    try:
        msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = "it is not JSON"
        raise QualtricsUnreadable(Told(call=SEND_JSON_EVENT, status=answer.status, words=words)) from None
    try:
        meta = msgspec.json.decode(answer.body, type=_EventAnswer).meta
    except msgspec.ValidationError:
        return ""
    return (meta and meta.request_id) or ""
