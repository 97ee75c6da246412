"""Makes, changes and deletes webhooks, as Gladly's API does: with a PING before one is enabled or moved."""

import sqlite3

import msgspec

from afterword_sandbox import settings
from afterword_sandbox.clock import now
from afterword_sandbox.company.events import Actor, envelope
from afterword_sandbox.errors import invalid_state, not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store, Value
from afterword_sandbox.webhooks.delivery import Postman
from afterword_sandbox.webhooks.request import Target, send

WEBHOOK_LIMIT = 20
_PING_STATUS = 200


class WebhookChange(msgspec.Struct, frozen=True):
    """What a request says of a webhook; UNSET is what it does not mention."""

    name: str | msgspec.UnsetType | None = msgspec.UNSET
    url: str | msgspec.UnsetType = msgspec.UNSET
    events: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    credentials: dict[str, str] | msgspec.UnsetType | None = msgspec.UNSET
    headers: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET

    def columns(self) -> dict[str, Value]:
        """Return the mentioned columns of the webhook's row."""
        columns: dict[str, Value] = {}
        if self.name is not msgspec.UNSET:
            columns["name"] = self.name
        if self.url is not msgspec.UNSET:
            columns["url"] = self.url
        if self.events is not msgspec.UNSET:
            columns["events"] = msgspec.json.encode(self.events).decode()
        if self.credentials is not msgspec.UNSET:
            has_any = self.credentials is not None
            columns["credentials"] = msgspec.json.encode(self.credentials).decode() if has_any else None
        if self.headers is not msgspec.UNSET:
            columns["headers"] = msgspec.json.encode(self.headers).decode()
        if self.enabled is not msgspec.UNSET:
            columns["enabled"] = int(self.enabled)
        return columns


def wire(row: sqlite3.Row) -> dict[str, object]:
    """Return a webhook as Gladly's API shows it: never its password or the values of its headers."""
    webhook: dict[str, object] = {
        "id": row["id"],
        "url": row["url"],
        "events": msgspec.json.decode(row["events"]),
        "enabled": bool(row["enabled"]),
        "hasCredentials": row["credentials"] is not None,
        "headerKeys": list(msgspec.json.decode(row["headers"], type=dict[str, str])),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }
    if row["name"]:
        webhook["name"] = row["name"]
    if row["disabled_at_due_to_retry_limit"]:
        webhook["disabledAtDueToRetryLimit"] = row["disabled_at_due_to_retry_limit"]
    return webhook


def all_webhooks(store: Store) -> list[dict[str, object]]:
    """Return every webhook, oldest first."""
    return [wire(row) for row in store.all("SELECT * FROM webhooks ORDER BY created_at, rowid")]


def row_of(store: Store, webhook_id: str) -> sqlite3.Row:
    """Return a webhook's row; raises 404."""
    row = store.one("SELECT * FROM webhooks WHERE id = ?", (webhook_id,))
    if row is None:
        raise not_found("webhook")
    return row


def _check_possible(store: Store, webhook_id: str | None, change: WebhookChange) -> None:
    """Refuse the twenty-first webhook, and an address that another webhook has."""
    if webhook_id is None:
        count = store.one("SELECT count(*) AS number FROM webhooks")
        if count is not None and count["number"] >= WEBHOOK_LIMIT:
            raise invalid_state(f"organization cannot have more than {WEBHOOK_LIMIT} webhooks")
    if change.url is not msgspec.UNSET:
        owner = store.one("SELECT id FROM webhooks WHERE url = ? AND id IS NOT ?", (change.url, webhook_id))
        if owner is not None:
            raise refusal(409, "taken", "another webhook has this url", attr="url", meta={"id": owner["id"]})


async def _ping(store: Store, postman: Postman, target: Target, api_user: Actor) -> None:
    """Ask whether the receiver is there; raises 400 unless it answers exactly 200 in time."""
    is_whole = settings.read(store).ping_body == "whole"
    event = envelope("PING", {}, api_user) if is_whole else {"type": "PING"}
    outcome = await send(postman.session, target, msgspec.json.encode(event))
    if outcome.status != _PING_STATUS:
        raise refusal(
            400, "invalid", f"webhook must answer PING with status 200: {outcome.words}", attr="url"
        )


async def create(store: Store, postman: Postman, api_user: Actor, change: WebhookChange) -> str:
    """Make a webhook, disabled unless it says otherwise, and return its id; raises 400 or 409."""
    _check_possible(store, None, change)
    webhook_id, at = new_id(), now()
    defaults: dict[str, Value] = {"id": webhook_id, "headers": "{}", "enabled": 0}
    row = {**defaults, "created_at": at, "updated_at": at, **change.columns()}
    if change.enabled is True and isinstance(change.url, str):
        credentials = None if change.credentials is msgspec.UNSET else change.credentials
        headers = {} if change.headers is msgspec.UNSET else change.headers
        await _ping(store, postman, Target(change.url, credentials, headers), api_user)
    with store.transaction():
        _check_possible(store, None, change)
        store.insert("webhooks", row)
    return webhook_id


async def change_webhook(
    store: Store, postman: Postman, api_user: Actor, webhook_id: str, change: WebhookChange
) -> None:
    """Change what is mentioned; a PING precedes when it is enabled or its address changes. Raises 400, 404,
    409.
    """
    row = row_of(store, webhook_id)
    _check_possible(store, webhook_id, change)
    moves = isinstance(change.url, str) and change.url != row["url"]
    enables = change.enabled is True and not row["enabled"]
    if moves or enables:
        before = Target.of_row(row)
        target = Target(
            before.url if change.url is msgspec.UNSET else change.url,
            before.credentials if change.credentials is msgspec.UNSET else change.credentials,
            before.headers if change.headers is msgspec.UNSET else change.headers,
        )
        await _ping(store, postman, target, api_user)
    columns = {**change.columns(), "updated_at": now()}
    if enables:
        columns["disabled_at_due_to_retry_limit"] = None
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    with store.transaction():
        row_of(store, webhook_id)
        _check_possible(store, webhook_id, change)
        store.execute(f"UPDATE webhooks SET {assignments} WHERE id = :id", {**columns, "id": webhook_id})  # noqa: S608
        if change.enabled is False and settings.read(store).events_while_disabled == "dropped":
            store.execute("DELETE FROM deliveries WHERE webhook_id = ?", (webhook_id,))
        store.changes.page_ids.add(webhook_id)
        if enables:
            store.changes.webhook_ids.add(webhook_id)


def delete(store: Store, webhook_id: str) -> None:
    """Delete a webhook; raises 404, and 400 while it is enabled."""
    if row_of(store, webhook_id)["enabled"]:
        raise invalid_state("webhook must be disabled before it can be deleted", attr="enabled")
    with store.transaction():
        store.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,))


def requests_of(store: Store, webhook_id: str) -> list[dict[str, object]]:
    """Return the last requests to a webhook, newest first, as Gladly's settings show them; raises 404."""
    row_of(store, webhook_id)
    rows = store.all(
        "SELECT * FROM delivery_attempts WHERE webhook_id = ? ORDER BY position DESC", (webhook_id,)
    )
    return [
        {
            "eventId": row["event_id"],
            "eventType": row["event_type"],
            "attemptedAt": row["attempted_at"],
            "seconds": row["seconds"],
            "status": "Success" if row["delivered"] else "Error",
            "outcome": row["outcome"],
            "body": row["body"],
        }
        for row in rows
    ]
