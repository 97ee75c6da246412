"""Merging two customers, which Gladly does in its user interface only."""

from afterword_sandbox.clock import now
from afterword_sandbox.company.conversations import latest_of_customer
from afterword_sandbox.company.customers import row_of
from afterword_sandbox.company.events import Actor, emit
from afterword_sandbox.errors import refusal
from afterword_sandbox.store import Store


def merge(store: Store, source_id: str, destination_id: str, initiator: Actor) -> None:
    """Merge one customer into another: what belonged to the source is the destination's, the source's id has
    moved.

    Gladly documents that two open conversations become one, of which one id is gone for good: the source's
    goes and its items move to the destination's. Raises 400 when both are the same customer, 404 when one is
    unknown.
    """
    if source_id == destination_id:
        raise refusal(400, "invalid", "a customer cannot be merged into itself", attr="destinationCustomerId")
    row_of(store, source_id)
    row_of(store, destination_id)
    source = latest_of_customer(store, source_id)
    destination = latest_of_customer(store, destination_id)
    surviving = destination or source
    if source and destination and source["status"] != "CLOSED" and destination["status"] != "CLOSED":
        gone, kept = source["id"], destination["id"]
        store.execute("UPDATE items SET conversation_id = ? WHERE conversation_id = ?", (kept, gone))
        store.execute("UPDATE contacts SET conversation_id = ? WHERE conversation_id = ?", (kept, gone))
        store.execute(
            "UPDATE OR IGNORE conversation_topics SET conversation_id = ? WHERE conversation_id = ?",
            (kept, gone),
        )
        store.execute("DELETE FROM conversations WHERE id = ?", (gone,))
        store.insert("merged_conversations", {"id": gone, "merged_into": kept})
    _move_everything(store, source_id, destination_id)
    store.execute(
        "UPDATE merged_customers SET merged_into = ? WHERE merged_into = ?", (destination_id, source_id)
    )
    store.insert("merged_customers", {"id": source_id, "merged_into": destination_id})
    store.execute("DELETE FROM customers WHERE id = ?", (source_id,))
    store.execute("UPDATE customers SET updated_at = ? WHERE id = ?", (now(), destination_id))
    store.changes.customer_ids.update((source_id, destination_id))
    ids = {"sourceCustomerId": source_id, "destinationCustomerId": destination_id}
    conversation_ids = {
        "sourceConversationId": source["id"] if source else "",
        "destinationConversationId": surviving["id"] if surviving else "",
    }
    emit(store, "CUSTOMER/MERGED", {**ids, **conversation_ids}, initiator)
    emit(store, "CUSTOMER_PROFILE/MERGED", {**ids})


def _move_everything(store: Store, source_id: str, destination_id: str) -> None:
    both = (destination_id, source_id)
    store.execute("UPDATE conversations SET customer_id = ? WHERE customer_id = ?", both)
    store.execute("UPDATE items SET customer_id = ? WHERE customer_id = ?", both)
    store.execute("UPDATE tasks SET customer_id = ? WHERE customer_id = ?", both)
    store.execute("UPDATE contacts SET customer_id = ? WHERE customer_id = ?", both)
    for table in ("customer_emails", "customer_phones"):
        last = store.one(
            f"SELECT coalesce(max(position), -1) AS position FROM {table} WHERE customer_id = ?",  # noqa: S608
            (destination_id,),
        )
        offset = 1 + (last["position"] if last else -1)
        store.execute(
            f"UPDATE {table} SET customer_id = ?, is_primary = 0, position = position + ? "  # noqa: S608
            "WHERE customer_id = ?",
            (destination_id, offset, source_id),
        )
