"""Customer profiles: who a customer is, and how profiles come, change and go."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from afterword_sandbox.clock import now
from afterword_sandbox.company.events import emit
from afterword_sandbox.errors import GladlyError, invalid_state, not_found, refusal
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.store import Store, Value

SEARCH_LIMIT = 50


class Email(msgspec.Struct, frozen=True):
    """An address as entered, lower-cased, and whether it is the customer's primary one."""

    original: str
    normalized: str
    primary: bool = False


class Phone(msgspec.Struct, frozen=True):
    """A number as entered and in E.164; ``type`` is "" when it is not known."""

    original: str
    normalized: str
    extension: str | None = None
    region_code: str = "US"
    primary: bool = False
    sms_preference: str | None = None
    type: str = ""


class Profile(msgspec.Struct, frozen=True):
    """What a request says of a customer; UNSET is what it does not mention."""

    name: str | msgspec.UnsetType | None = msgspec.UNSET
    image: str | msgspec.UnsetType | None = msgspec.UNSET
    address: str | msgspec.UnsetType | None = msgspec.UNSET
    external_customer_id: str | msgspec.UnsetType | None = msgspec.UNSET
    custom_attributes: dict[str, object] | msgspec.UnsetType = msgspec.UNSET
    emails: tuple[Email, ...] | msgspec.UnsetType = msgspec.UNSET
    phones: tuple[Phone, ...] | msgspec.UnsetType = msgspec.UNSET

    def columns(self) -> dict[str, Value]:
        """Return the mentioned columns of the customer's row."""
        columns: dict[str, Value] = {}
        for column in ("name", "image", "address", "external_customer_id"):
            value: str | msgspec.UnsetType | None = getattr(self, column)
            if value is not msgspec.UNSET:
                columns[column] = value or None
        if self.custom_attributes is not msgspec.UNSET:
            columns["custom_attributes"] = msgspec.json.encode(self.custom_attributes).decode()
        return columns


def moved(customer_id: str, new_customer_id: str, *, attr: str, location: str | None) -> GladlyError:
    """Make the 301 of a customer who was merged into another; ``location`` is where to look now, if that is
    told.
    """
    return refusal(
        301,
        "moved",
        "customer id has changed",
        attr=attr,
        meta={"old": customer_id, "new": new_customer_id},
        headers={} if location is None else {"Location": location},
    )


def merged_into(store: Store, customer_id: str) -> str | None:
    """Return the customer that this one was merged into, or None."""
    row = store.one("SELECT merged_into FROM merged_customers WHERE id = ?", (customer_id,))
    return None if row is None else str(row["merged_into"])


def row_of(store: Store, customer_id: str) -> sqlite3.Row:
    """Return a customer's row; raises 404."""
    row = store.one("SELECT * FROM customers WHERE id = ?", (customer_id,))
    if row is None:
        raise not_found("customer")
    return row


def _wire_email(row: sqlite3.Row) -> dict[str, object]:
    email: dict[str, object] = {"original": row["original"], "normalized": row["normalized"]}
    if row["is_primary"]:
        email["primary"] = True
    return email


def _wire_phone(row: sqlite3.Row) -> dict[str, object]:
    phone: dict[str, object] = {
        "original": row["original"],
        "normalized": row["normalized"],
        "regionCode": row["region_code"],
        "type": row["type"],
    }
    if row["extension"]:
        phone["extension"] = row["extension"]
    if row["sms_preference"]:
        phone["smsPreference"] = row["sms_preference"]
    if row["is_primary"]:
        phone["primary"] = True
    return phone


def _grouped(rows: Iterable[sqlite3.Row]) -> dict[str, list[sqlite3.Row]]:
    groups: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        groups.setdefault(row["customer_id"], []).append(row)
    return groups


def _wire(store: Store, rows: Sequence[sqlite3.Row]) -> list[dict[str, object]]:
    """Return profiles as Gladly's API shows them: what is not known is left out."""
    ids = msgspec.json.encode([row["id"] for row in rows]).decode()
    chosen = "WHERE customer_id IN (SELECT value FROM json_each(?)) ORDER BY customer_id, position"
    emails = _grouped(store.all(f"SELECT * FROM customer_emails {chosen}", (ids,)))  # noqa: S608
    phones = _grouped(store.all(f"SELECT * FROM customer_phones {chosen}", (ids,)))  # noqa: S608
    profiles = []
    for row in rows:
        profile: dict[str, object] = {"id": row["id"]}
        for key, column in (
            ("name", "name"),
            ("image", "image"),
            ("address", "address"),
            ("externalCustomerId", "external_customer_id"),
        ):
            if row[column]:
                profile[key] = row[column]
        profile["emails"] = [_wire_email(email) for email in emails.get(row["id"], ())]
        profile["phones"] = [_wire_phone(phone) for phone in phones.get(row["id"], ())]
        profile["customAttributes"] = msgspec.json.decode(row["custom_attributes"])
        profile["createdAt"] = row["created_at"]
        profile["updatedAt"] = row["updated_at"]
        profiles.append(profile)
    return profiles


def profile(store: Store, customer_id: str) -> dict[str, object]:
    """Return one customer's profile; raises 404."""
    return _wire(store, [row_of(store, customer_id)])[0]


_SEARCHES = {
    "email": "SELECT customer_id FROM customer_emails WHERE normalized = lower(?)",
    "phoneNumber": "SELECT customer_id FROM customer_phones WHERE normalized = ?",
    "externalCustomerId": "SELECT id FROM customers WHERE external_customer_id = ?",
}
SEARCH_KEYS = frozenset(_SEARCHES)


def search(store: Store, key: str, value: str) -> tuple[list[dict[str, object]], bool]:
    """Return the profiles that match one of `SEARCH_KEYS`, newest first, and whether there were more."""
    sql = f"SELECT * FROM customers WHERE id IN ({_SEARCHES[key]})"  # noqa: S608 -- key is one of SEARCH_KEYS
    rows = store.all(f"{sql} ORDER BY updated_at DESC, id LIMIT ?", (value, SEARCH_LIMIT + 1))
    return _wire(store, rows[:SEARCH_LIMIT]), len(rows) > SEARCH_LIMIT


_OTHERS_WITH = "customer_id != ? AND normalized IN (SELECT value FROM json_each(?))"
_EMAIL_OWNER = f"SELECT customer_id FROM customer_emails WHERE {_OTHERS_WITH}"  # noqa: S608
_MOBILE_OWNER = f"SELECT customer_id FROM customer_phones WHERE type = 'MOBILE' AND {_OTHERS_WITH}"  # noqa: S608


def _refuse_taken(store: Store, customer_id: str, profile: Profile) -> None:
    emails = profile.emails if profile.emails is not msgspec.UNSET else ()
    phones = profile.phones if profile.phones is not msgspec.UNSET else ()
    mobiles = [phone.normalized for phone in phones if phone.type == "MOBILE"]
    for attr, sql, values in (
        ("emails", _EMAIL_OWNER, [email.normalized for email in emails]),
        ("phones", _MOBILE_OWNER, mobiles),
    ):
        owner = store.one(sql, (customer_id, msgspec.json.encode(values).decode()))
        if owner is not None:
            detail = f"another customer has one of these {attr}"
            raise refusal(409, "taken", detail, attr=attr, meta={"id": owner["customer_id"]})


def _write_addresses(store: Store, customer_id: str, profile: Profile) -> None:
    if profile.emails is not msgspec.UNSET:
        store.execute("DELETE FROM customer_emails WHERE customer_id = ?", (customer_id,))
        for position, email in enumerate(profile.emails):
            store.insert(
                "customer_emails",
                {
                    "customer_id": customer_id,
                    "position": position,
                    "original": email.original,
                    "normalized": email.normalized,
                    "is_primary": int(email.primary),
                },
            )
    if profile.phones is not msgspec.UNSET:
        store.execute("DELETE FROM customer_phones WHERE customer_id = ?", (customer_id,))
        for position, phone in enumerate(profile.phones):
            store.insert(
                "customer_phones",
                {
                    "customer_id": customer_id,
                    "position": position,
                    "original": phone.original,
                    "normalized": phone.normalized,
                    "extension": phone.extension,
                    "region_code": phone.region_code,
                    "is_primary": int(phone.primary),
                    "sms_preference": phone.sms_preference,
                    "type": phone.type,
                },
            )


def create(store: Store, profile: Profile, customer_id: str | None = None) -> str:
    """Make a customer and return the id; raises 409 when the id, an address or a mobile number is taken."""
    customer_id = customer_id or new_id()
    if store.one(
        "SELECT 1 FROM customers WHERE id = :id UNION ALL SELECT 1 FROM merged_customers WHERE id = :id",
        {"id": customer_id},
    ):
        raise refusal(409, "taken", "customer ID exists", attr="id")
    _refuse_taken(store, customer_id, profile)
    at = now()
    row: dict[str, Value] = {"id": customer_id, "custom_attributes": "{}", "created_at": at, "updated_at": at}
    store.insert("customers", row | profile.columns())
    _write_addresses(store, customer_id, profile)
    store.changes.customer_ids.add(customer_id)
    emit(store, "CUSTOMER_PROFILE/CREATED", {"customerId": customer_id})
    return customer_id


def change(store: Store, customer_id: str, profile: Profile) -> None:
    """Change what the profile mentions; a list of emails or phones replaces the whole list; raises 404 or
    409.
    """
    row_of(store, customer_id)
    _refuse_taken(store, customer_id, profile)
    columns: dict[str, Value] = {"updated_at": now(), **profile.columns()}
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    store.execute(f"UPDATE customers SET {assignments} WHERE id = :id", {**columns, "id": customer_id})  # noqa: S608
    _write_addresses(store, customer_id, profile)
    store.changes.customer_ids.add(customer_id)
    emit(store, "CUSTOMER_PROFILE/UPDATED", {"customerId": customer_id})


def delete(store: Store, customer_id: str) -> None:
    """Delete a customer with all conversations; raises 404, and 400 while a conversation is open."""
    row_of(store, customer_id)
    if store.one("SELECT 1 FROM conversations WHERE customer_id = ? AND status != 'CLOSED'", (customer_id,)):
        raise invalid_state("customer with an open conversation cannot be deleted", attr="conversation")
    store.execute("DELETE FROM customers WHERE id = ?", (customer_id,))
    store.execute("DELETE FROM merged_customers WHERE merged_into = ?", (customer_id,))
    store.changes.customer_ids.add(customer_id)
    emit(store, "CUSTOMER_PROFILE/DELETED", {"customerId": customer_id})


def find_by_address(store: Store, email: str) -> str | None:
    """Return the customer who has this email address, or None."""
    row = store.one("SELECT customer_id FROM customer_emails WHERE normalized = ?", (email.lower(),))
    return None if row is None else str(row["customer_id"])


def find_by_mobile(store: Store, number: str) -> str | None:
    """Return the customer who has this mobile number (E.164), or None."""
    row = store.one(
        "SELECT customer_id FROM customer_phones WHERE normalized = ? AND type = 'MOBILE'", (number,)
    )
    return None if row is None else str(row["customer_id"])
