"""The JSON Event endpoint, at Qualtrics' own addresses."""

import base64
from collections.abc import Mapping

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from afterword.accounts.scopes import SENDS_JSON_EVENTS
from afterword.events.models import JSON_EVENT, NewEvent, json_event_origin
from afterword.events.recording import DatabaseUnavailable, EventNotStored, EventRecorder
from afterword.intake.deduplication import InvalidKey, by_body, by_sender
from afterword.intake.endpoints import Endpoint, Endpoints
from afterword.intake.json_bodies import BadJson, read_json_object
from afterword.qualtrics import envelope

LARGEST_BODY = 100 * 1024
"""Bytes, as Qualtrics documents."""
BASIC_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Afterword"'}

WITHOUT_SCOPE = f"This API token may not do that: it is without the scope {SENDS_JSON_EVENTS}."

PlainRequest = Request[object, object, State]


def json_event_routes(recorder: EventRecorder, endpoints: Endpoints) -> list[HTTPRouteHandler]:
    """The routes of this door."""

    @post(
        ["/inbound-event/v1/events/json/triggers", "/inbound-event/v1/events/JSON/triggers"],
        request_max_body_size=LARGEST_BODY,
        status_code=200,
    )
    async def receive(request: PlainRequest) -> Response[bytes]:
        """Take a JSON event."""
        endpoint = await _admit(endpoints, request)
        if isinstance(endpoint, Response):
            return endpoint
        body = await request.body()
        try:
            read_json_object(body)
            event = _event(endpoint, body, request.headers.get("idempotency-key"))
            await recorder.record(event)
        except (BadJson, InvalidKey, EventNotStored) as error:
            return _refuse(400, str(error) or "The event cannot be stored.", "INBE_400")
        except DatabaseUnavailable:
            return _refuse(
                503, "Afterword cannot store events now; send it again.", "INBE_503", {"Retry-After": "5"}
            )
        return _answer(200, envelope.success())

    return [receive]


async def _admit(endpoints: Endpoints, request: PlainRequest) -> Endpoint | Response[bytes]:
    """The endpoint that may take this request, or the refusal; the body was not looked at."""
    endpoint, by_secret_address = await _find(endpoints, request.query_params)
    if endpoint is None:
        return _refuse(404, "The address names no JSON event.", "INBE_404")
    if endpoint.authentication_required or not by_secret_address:
        token = _token(request)
        if token is None:
            return _refuse_credentials(envelope.NO_CREDENTIALS)
        match await endpoints.admits(endpoint, token):
            case "unknown":
                return _refuse_credentials(envelope.UNKNOWN_TOKEN)
            case "for other things":
                return _refuse(403, WITHOUT_SCOPE, "INBE_403")
    if not _is_json(request.headers.get("content-type")):
        return _refuse(415, "Send the event as application/json.", "INBE_415")
    return endpoint


async def _find(endpoints: Endpoints, query: Mapping[str, str]) -> tuple[Endpoint | None, bool]:
    """The endpoint, and whether the address itself is a secret."""
    if (url_token := query.get("urlTokenId")) is not None:
        return await endpoints.by_url_token(url_token), True
    if (trigger_id := query.get("triggerId")) is not None:
        return await endpoints.by_trigger(trigger_id), False
    return None, False


def _token(request: PlainRequest) -> str | None:
    """The API token: in its own header, or as the password of basic authentication."""
    if token := request.headers.get("x-api-token"):
        return token
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[2] or None
    except ValueError:
        return None


def _is_json(content_type: str | None) -> bool:
    if not content_type:
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _event(endpoint: Endpoint, body: bytes, idempotency_key: str | None) -> NewEvent:
    """A sender's key makes a repeat for ever; without one the same body does, within the endpoint's window."""
    key = by_body(body, endpoint.repeat_window) if idempotency_key is None else by_sender(idempotency_key)
    return NewEvent(
        origin=json_event_origin(endpoint.id),
        type=JSON_EVENT,
        body=body.decode(),
        deduplication_key=key.value,
        repeat_window=key.window,
    )


def _refuse_credentials(refusal: envelope.Refusal) -> Response[bytes]:
    return _refuse(401, refusal.message, refusal.code, BASIC_CHALLENGE)


def _refuse(
    status: int, message: str, code: str | None, headers: dict[str, str] | None = None
) -> Response[bytes]:
    return _answer(status, envelope.failure(status, message, code), headers)


def _answer(status: int, content: object, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(
        msgspec.json.encode(content), status_code=status, media_type="application/json", headers=headers
    )
