"""What a real Qualtrics tells of responses: one address for each connected account."""

from datetime import UTC, datetime

import msgspec
from litestar import Response, get, post
from litestar.exceptions import (
    ClientException,
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.accounts.notification_access import NotificationAccess
from afterword.events.models import NewEvent, response_key, survey_origin, survey_response_type
from afterword.events.recording import DatabaseUnavailable, EventNotStored, EventRecorder
from afterword.intake.deduplication import once
from afterword.intake.endpoints import can_be_id
from afterword.intake.json_bodies import BadJson, read_json_object
from afterword.intake.json_events import PlainRequest
from afterword.qualtrics import webhooks
from afterword.qualtrics.webhooks import SECRET_HEADER, Form, InvalidNotification, Notification, NotSigned
from afterword.surveys.notified import SAME_UPDATE, UPDATED, NotifiedResponse

LARGEST_BODY = 64 * 1024
FORM = "application/x-www-form-urlencoded"

HOW_TO_SIGN = (
    "This notification is not signed, and anybody could have sent it. Subscribe with a sharedKey and encrypt: false: "
    "`afterword qualtrics subscribe` does so."
)
WRONG_SIGNATURE = (
    "The notification is not signed with a secret of this account. `afterword qualtrics subscribe` replaces a "
    "subscription that is out of date."
)
WRONG_SECRET = f"The header {SECRET_HEADER} does not hold a secret of this account; paste it again."


class UnsupportedMediaType(HTTPException):
    """A body of neither kind."""

    status_code = 415


def qualtrics_routes(recorder: EventRecorder, access: NotificationAccess) -> list[HTTPRouteHandler]:
    """The routes of this door."""

    @get("/webhooks/qualtrics/{account_id:str}")
    async def answer(account_id: FromPath[str]) -> Response[bytes]:
        """Say that the address is there: Qualtrics asks before it subscribes."""
        await _secrets(access, account_id)
        return _taken()

    @post("/webhooks/qualtrics/{account_id:str}", request_max_body_size=LARGEST_BODY, status_code=200)
    async def receive(request: PlainRequest, account_id: FromPath[str]) -> Response[bytes]:
        """Take a notification; the answer is 200, for one that tells of nothing too."""
        secrets = await _secrets(access, account_id)
        try:
            told = await _read(request, access, account_id, secrets)
            if told is not None and told.survey_id is not None:
                await recorder.record(_event(account_id, told.survey_id, told))
        except (BadJson, EventNotStored, InvalidNotification) as error:
            raise ClientException(str(error) or "The event cannot be stored.") from None
        except DatabaseUnavailable:
            raise ServiceUnavailableException(
                "Afterword cannot store events now; send it again.", headers={"Retry-After": "5"}
            ) from None
        return _taken()

    return [answer, receive]


def _taken() -> Response[bytes]:
    return Response(b"", media_type="text/plain", headers={"Cache-Control": "no-store"})


async def _secrets(access: NotificationAccess, account_id: str) -> tuple[str, ...]:
    secrets = await access.secrets(account_id) if can_be_id(account_id) else None
    if secrets is None:
        raise NotFoundException("No Qualtrics account is connected at this address.")
    return secrets


async def _read(
    request: PlainRequest, access: NotificationAccess, account_id: str, secrets: tuple[str, ...]
) -> Notification | None:
    """What was told, by whom it may be told; ``None`` when nothing was: an address may be tried so.

    Raises:
        HTTPException: it did not come from the account.
        BadJson, InvalidNotification: it cannot be read.
    """
    if SECRET_HEADER.lower() in request.headers:
        given = request.headers[SECRET_HEADER]
        if not webhooks.has_secret(given, secrets):
            newer = await access.newer_secrets(account_id)
            if not webhooks.has_secret(given, newer):
                raise NotAuthorizedException(WRONG_SECRET)
        body = await request.body()
        read_json_object(body)
        return webhooks.read_pasted(body)
    body = await request.body()
    if not body.strip():
        return None
    _check_is_form(request, body)
    form = webhooks.read_form(body)
    await _check_signature(form, access, account_id, secrets)
    told = webhooks.read_message(form)
    read_json_object(form.fields["MSG"])
    return told


def _check_is_form(request: PlainRequest, body: bytes) -> None:
    """Tell a form from what lacks the secret that JSON has to come with."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.endswith("json") or body.lstrip()[:1] in {b"{", b"["}:
        raise NotAuthorizedException(
            f"The header {SECRET_HEADER} is missing. Paste it into the Web Service task, as it was shown."
        )
    if media_type not in {"", FORM}:
        raise UnsupportedMediaType(
            "Send a form, as event subscriptions do, or JSON with the secret in its header."
        )


async def _check_signature(
    form: Form, access: NotificationAccess, account_id: str, secrets: tuple[str, ...]
) -> None:
    try:
        is_signed = webhooks.is_signed(form, secrets) or webhooks.is_signed(
            form, await access.newer_secrets(account_id)
        )
    except NotSigned:
        raise NotAuthorizedException(HOW_TO_SIGN) from None
    if not is_signed:
        raise NotAuthorizedException(WRONG_SIGNATURE)


def _event(account_id: str, survey_id: str, told: Notification) -> NewEvent:
    """The event. Both ways to tell of a response have one key."""
    if told.kind is None or told.response_id is None:
        return NewEvent(
            origin=survey_origin(survey_id, account_id),
            type=f"Survey: {(told.status or 'unknown').lower()}",
            body=told.text,
            deduplication_key=once().value,
            occurred_at=told.at,
        )
    is_update = told.kind == "updated"
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    body = NotifiedResponse(
        response_id=told.response_id,
        survey_id=survey_id,
        kind=told.kind,
        way=told.way,
        announcement=f"{UPDATED}{moment}" if is_update else told.kind,
        message=told.text,
    )
    return NewEvent(
        origin=survey_origin(survey_id, account_id),
        type=survey_response_type(told.kind),
        body=msgspec.json.encode(body).decode(),
        deduplication_key=response_key(told.response_id, told.kind),
        repeat_window=int(SAME_UPDATE.total_seconds()) if is_update else None,
        occurred_at=told.at,
    )
