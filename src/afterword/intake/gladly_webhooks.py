"""Gladly's webhooks: one address for each connected account."""

from litestar import Response, post
from litestar.exceptions import (
    ClientException,
    NotAuthorizedException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.accounts.webhook_access import WebhookAccess
from afterword.events.models import NewEvent, gladly_origin
from afterword.events.recording import DatabaseUnavailable, EventNotStored, EventRecorder
from afterword.gladly import webhooks
from afterword.intake.deduplication import once
from afterword.intake.endpoints import can_be_id
from afterword.intake.json_bodies import BadJson, read_json_object
from afterword.intake.json_events import PlainRequest

LARGEST_BODY = 256 * 1024


def gladly_webhook_routes(recorder: EventRecorder, access: WebhookAccess) -> list[HTTPRouteHandler]:
    """The routes of this door."""

    @post("/webhooks/gladly/{account_id:str}", request_max_body_size=LARGEST_BODY, status_code=200)
    async def receive(request: PlainRequest, account_id: FromPath[str]) -> Response[bytes]:
        """Take a webhook; the answer is exactly 200, for events that start nothing too."""
        credentials = await access.credentials(account_id) if can_be_id(account_id) else None
        if credentials is None:
            raise NotFoundException("No Gladly account is connected at this address.")
        if not webhooks.authenticate(request.headers, credentials) and not webhooks.authenticate(
            request.headers, await access.newer_credentials(account_id)
        ):
            raise NotAuthorizedException("The webhook's credentials are not those of the connected account.")
        body = await request.body()
        try:
            read_json_object(body)
            told = webhooks.parse(body)
            await recorder.record(_event(account_id, told, body))
        except (BadJson, EventNotStored, webhooks.InvalidWebhook) as error:
            raise ClientException(str(error) or "The event cannot be stored.") from None
        except DatabaseUnavailable:
            raise ServiceUnavailableException(
                "Afterword cannot store events now; send it again.", headers={"Retry-After": "5"}
            ) from None
        return Response(b"", media_type="text/plain")

    return [receive]


def _event(account_id: str, told: webhooks.WebhookEvent, body: bytes) -> NewEvent:
    return NewEvent(
        origin=gladly_origin(account_id),
        type=told.type,
        body=body.decode(),
        deduplication_key=once().value if told.id is None else told.id.encode(),
        conversation_id=told.conversation_id,
        occurred_at=told.occurred_at,
    )
