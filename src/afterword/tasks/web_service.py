"""Web service: any HTTP call, its answer's fields usable by later tasks."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from afterword.accounts.web_service_accounts import WebServiceAccount
from afterword.outcomes import Permanent, Reason
from afterword.outgoing.answers import Answer
from afterword.outgoing.masking import without_secrets
from afterword.outgoing.watching import Unwatched, Watch
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall
from afterword.tasks.fields import MOST_ENTRIES, MULTILINE
from afterword.tasks.services import Services
from afterword.translating import N_, said
from afterword.web_services.requests import HEADER_NAME, REPEATABLE, Method, WebRequest, address_with_query

LARGEST_OUTPUT = 100_000
"""Bytes of an answer that later tasks can have; run history keeps them with the run."""
KEPT_OF_A_LONGER_ONE = 10_000
NO_BODY = frozenset({"GET", "HEAD"})
OURS = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "host",
        "idempotency-key",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that a task cannot set: a secret belongs into a connected account, the others come by themselves."""
CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
}
NOT_IN_DATABASE = {"\x00": "\N{REPLACEMENT CHARACTER}", "\\u0000": "\\ufffd"}
"""The one character that PostgreSQL takes in no text, as it is and as JSON writes it."""
STATUSES = r"^\s*[1-5][0-9]{2}(\s*-\s*[1-5][0-9]{2})?(\s*,\s*[1-5][0-9]{2}(\s*-\s*[1-5][0-9]{2})?)*\s*$"

NOT_JSON = Reason(
    "web-service-body-not-json",
    N_("the body is not JSON once its values are filled in; correct the task's body"),
)


class WebService(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form."""

    method: Annotated[
        Method, Meta(title=N_("Method"), description=N_("What the call is to do."), examples=["POST"])
    ] = "POST"
    address: Annotated[
        str,
        Piped("url"),
        Meta(
            title=N_("URL"),
            description=N_(
                "The address to call: https, with a host of its own before any piped text. Whoever sees the "
                "workflow sees it, so put no secret here."
            ),
            examples=["https://api.yourcompany.example/orders/${e://Field/OrderId}"],
            min_length=1,
            max_length=2000,
        ),
    ]
    query: Annotated[
        dict[str, str],
        Piped(),
        Meta(
            title=N_("Query parameters"),
            description=N_("Added to the address, encoded."),
            examples=[{"customer": "${e://Field/CustomerId}"}],
            max_length=MOST_ENTRIES,
        ),
    ] = {}
    headers: Annotated[
        dict[str, str],
        Piped("header"),
        Meta(
            title=N_("Headers"),
            description=N_("Sent as they are; what says who we are comes from the connected account."),
            examples=[{"Accept-Language": "en"}],
            max_length=MOST_ENTRIES,
        ),
    ] = {}
    account: Annotated[
        str,
        Meta(
            title=N_("Credentials"),
            description=N_(
                "The connected account, whose secret is sent; the address has to be below that "
                "account's. Empty: none."
            ),
            examples=["WS_0f3KdWq81sBcZpT"],
            max_length=200,
            extra_json_schema={"format": "web-service-account"},
        ),
    ] = ""
    body_type: Annotated[
        Literal["json", "form", "text"],
        Meta(
            title=N_("Body type"),
            description=N_("What the body is; piped text in it is escaped accordingly."),
            examples=["json"],
        ),
    ] = "json"
    body: Annotated[
        str,
        Piped(chosen_by="body_type"),
        Meta(
            title=N_("Body"),
            description=N_("What is sent; empty for none. A form is written as name=value&name=value."),
            examples=[
                '{"score": ${q://QID1/SelectedChoicesRecode}, "comment": "${q://QID2/ChoiceTextEntryValue}"}'
            ],
            max_length=100_000,
            extra_json_schema=MULTILINE,
        ),
    ] = ""
    timeout_seconds: Annotated[
        float,
        Meta(
            title=N_("Timeout in seconds"),
            description=N_("How long the whole answer may take."),
            examples=[15],
            ge=1,
            le=60,
        ),
    ] = 15.0
    success_statuses: Annotated[
        str,
        Meta(
            title=N_("Success statuses"),
            description=N_("The answers that count as success: statuses and ranges, separated by commas."),
            examples=["200-299", "200-299, 404"],
            pattern=STATUSES,
            max_length=200,
        ),
    ] = "200-299"

    def __post_init__(self) -> None:
        """See that the parts can go together.

        Raises:
            ValueError: they cannot.
        """
        for name in self.headers:
            if not HEADER_NAME.fullmatch(name):
                raise ValueError(said("headers: %(name)s is not a header's name", name=repr(name[:50])))
            if name.lower() in OURS:
                raise ValueError(
                    said(
                        "headers: %(name)s cannot be set here; for a secret, connect an account and choose it in "
                        "account",
                        name=name,
                    )
                )
        if self.body and self.method in NO_BODY:
            raise ValueError(said("body: leave it empty; %(method)s has none", method=self.method))

    def is_success(self, status: int) -> bool:
        """Whether an answer of this status is one."""
        ranges = [part.split("-") for part in self.success_statuses.split(",")]
        return any(int(first[0]) <= status <= int(first[-1]) for first in ranges)


class WebServiceTask:
    """The task type. GET, HEAD, PUT and DELETE may be repeated; of POST and PATCH the other side may do it twice.

    Every call has the same ``Idempotency-Key`` in each attempt, for those that heed it.
    """

    name = "web-service"
    label = N_("Web service")
    summary = N_("Any HTTP call, its answer's fields usable by later tasks.")
    repetition = Repetition.NEITHER
    repeats_when_unknown = False
    configuration = WebService

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts

    def repetition_of(self, saved: Mapping[str, Any], /) -> Repetition:
        """What doing it twice means, by the method."""
        return Repetition.IDEMPOTENT if saved.get("method") in REPEATABLE else Repetition.NEITHER

    def outputs(self, _: WebService) -> tuple[str, ...]:
        """The answer: its status, its JSON in ``body`` or else its ``text``; ``cut`` when it was too long to keep."""
        return ("status", "location", "body", "text", "cut")

    async def plan(self, call: TaskCall[WebService]) -> Plan:
        """The request as it would be made; nothing is called, not even to read: the service may count it."""
        request, _ = await self._request(call)
        self._accounts.web_services.check(request)
        return Plan(_sent(call.configuration, request), {"status": 200, "body": {}, "cut": False})

    async def run(self, call: TaskCall[WebService]) -> Done:
        """Make the call."""
        wanted = call.configuration
        request, watch = await self._request(call)
        answer = await self._accounts.web_services.call(request, wanted.is_success, watch)
        secrets = () if request.credentials is None else request.credentials.secrets
        return Done(_output(answer, secrets), sent=_sent(wanted, request))

    async def _request(self, call: TaskCall[WebService]) -> tuple[WebRequest, Watch]:
        wanted = call.configuration
        account: WebServiceAccount | None = None
        watch: Watch = Unwatched()
        if wanted.account:
            account, watch = await self._accounts.web_service(wanted.account)
        headers = {"Idempotency-Key": call.key, **wanted.headers}
        if wanted.body and "content-type" not in {name.lower() for name in wanted.headers}:
            headers["Content-Type"] = CONTENT_TYPES[wanted.body_type]
        request = WebRequest(
            method=wanted.method,
            address=address_with_query(wanted.address, wanted.query),
            headers=headers,
            body=_body(wanted),
            timeout_seconds=wanted.timeout_seconds,
            credentials=None if account is None else account.credentials,
        )
        return request, watch


def _body(wanted: WebService) -> bytes | None:
    if not wanted.body:
        return None
    body = wanted.body.encode("utf-8", "replace")
    if wanted.body_type == "json" and _json(body) is msgspec.UNSET:
        raise Permanent(NOT_JSON)
    return body


def _json(content: bytes) -> object:
    """The JSON value; ``UNSET`` for what is none."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.UNSET


def _output(answer: Answer, secrets: tuple[str, ...]) -> dict[str, object]:
    """The answer as later tasks and run history have it, without our secret, should it have been sent back."""
    output: dict[str, object] = {"status": answer.status, "cut": False}
    if "Location" in answer.headers:
        output["location"] = without_secrets(answer.headers["Location"][:2000], secrets)
    text = without_secrets(answer.text, secrets)
    for nul, replacement in NOT_IN_DATABASE.items():
        text = text.replace(nul, replacement)
    if answer.cut or len(answer.body) > LARGEST_OUTPUT:
        return {**output, "text": text[:KEPT_OF_A_LONGER_ONE], "cut": True}
    value = _json(text.encode())
    if value is msgspec.UNSET:
        return {**output, "text": text} if text else output
    return {**output, "body": value}


def _sent(wanted: WebService, request: WebRequest) -> dict[str, str]:
    told = {
        "method": request.method,
        "address": request.address,
        **{f"header.{name}": value for name, value in request.headers.items()},
        "account": wanted.account,
        "body": "" if request.body is None else request.body.decode()[:KEPT_OF_A_LONGER_ONE],
    }
    return {name: value for name, value in told.items() if value}
