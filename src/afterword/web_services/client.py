"""Calls of web services.

Every call is made once and ends in its answer or in one of the errors of ``errors.py``; nobody above sees an HTTP
library's exception. A service that says 429 is left alone by all processes for as long as it asks.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from afterword.outcomes import Outcome
from afterword.outgoing.addresses import InvalidAddress
from afterword.outgoing.answers import Answer
from afterword.outgoing.budgets import Budget
from afterword.outgoing.calls import Caller
from afterword.outgoing.failures import BrokenOff, Unreachable
from afterword.outgoing.masking import masked
from afterword.outgoing.watching import Unwatched, Watch, watched
from afterword.web_services.errors import (
    Told,
    WebServiceAddressRefused,
    WebServiceRateLimited,
    WebServiceTimedOut,
    WebServiceUnreachable,
    error_for,
)
from afterword.web_services.requests import WebRequest, check_address

LARGEST_ANSWER = 1_000_000
"""Bytes that are read of an answer; Qualtrics' own Web Service task takes 1 MB."""
REQUESTS_PER_SECOND = 50.0
PATIENCE = 30.0


class WebServiceClient:
    """Calls of one process, to any web service. Connections are opened when needed; ``close()`` closes them.

    ``allow_private`` lets addresses lead into private networks.
    """

    def __init__(self, *, budget: Budget, allow_private: bool, caller: Caller | None = None) -> None:
        self._budget = budget
        self._allow_private = allow_private
        self._caller = caller or Caller(allow_private=allow_private)

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    def check(self, request: WebRequest) -> None:
        """See that the request may be made, without making it.

        Raises:
            WebServiceAddressRefused: it may not.
        """
        try:
            check_address(request.address, request.credentials, allow_private=self._allow_private)
        except InvalidAddress as error:
            raise WebServiceAddressRefused(str(error)) from None

    async def call(
        self, request: WebRequest, is_success: Callable[[int], bool], watch: Watch | None = None
    ) -> Answer:
        """Make a call; ``is_success`` tells which statuses are one.

        ``watch`` is asked before the call and told after it. Raises the errors of ``errors.py``, what the watch raises
        in their place, and what the budget raises when the wait would be too long.
        """
        self.check(request)
        call = f"{request.method} {urlsplit(request.address).netloc}"
        return await watched(
            watch or Unwatched(), call, lambda: self._call_in_turn(call, request, is_success)
        )

    async def _call_in_turn(
        self, call: str, request: WebRequest, is_success: Callable[[int], bool]
    ) -> Answer:
        budget_name = f"web-service/{urlsplit(request.address).netloc.lower()}"
        await self._budget.wait_for_turn(budget_name, REQUESTS_PER_SECOND, REQUESTS_PER_SECOND, PATIENCE)
        secrets: tuple[str, ...] = ()
        headers = request.headers
        if request.credentials is not None:
            secrets, headers = request.credentials.secrets, {**headers, **request.credentials.headers}
        try:
            answer = await self._caller.call(
                request.method,
                request.address,
                headers=headers,
                body=request.body,
                total_seconds=request.timeout_seconds,
                largest_answer=LARGEST_ANSWER,
                secrets=secrets,
            )
        except Unreachable as error:
            raise WebServiceUnreachable(Told(call=call, words=str(error))) from None
        except BrokenOff as error:
            raise WebServiceTimedOut(Told(call=call, words=str(error))) from None
        if is_success(answer.status):
            return answer
        raise await self._refusal(call, answer, secrets, budget_name)

    async def _refusal(
        self, call: str, answer: Answer, secrets: tuple[str, ...], budget_name: str
    ) -> Outcome:
        words = masked(answer.text, secrets)
        error = error_for(Told(call=call, status=answer.status, words=words, after=answer.retry_after))
        if isinstance(error, WebServiceRateLimited) and error.after:
            await self._budget.penalise(budget_name, error.after)
        return error
