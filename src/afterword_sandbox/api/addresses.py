"""Email addresses and phone numbers: how they are checked and normalized."""

from email.utils import parseaddr

from afterword_sandbox.api.fields import Fields
from afterword_sandbox.company.customers import Email, Phone

MAX_ADDRESS_LENGTH = 320
_SMS_PREFERENCES = frozenset({"ON", "OFF", "FORBIDDEN"})
_PHONE_TYPES = frozenset({"HOME", "MOBILE", "OFFICE", ""})


def normalize_email(text: str) -> Email | None:
    """Return the address in a text, without the name that may stand before it; None when there is none."""
    _, address = parseaddr(text.strip())
    local, at, domain = address.rpartition("@")
    good = at and local and domain and " " not in address and len(address) <= MAX_ADDRESS_LENGTH
    return Email(address, address.lower()) if good and address.isprintable() else None


def normalize_phone(text: str, region: str = "US") -> str | None:
    """Return a number in E.164: given so, or as a national number of the region; None when it is none."""
    import phonenumbers  # noqa: PLC0415 -- its metadata are loaded when the first number is written

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    normalized: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return normalized


def read_emails(fields: Fields) -> tuple[Email, ...]:
    """Read a profile's ``emails``; at most one may be primary, and none may be there twice."""
    emails = []
    for entry in fields.objects("emails"):
        original = entry.text("original", required=True)
        primary = entry.flag("primary") or False
        if original is None:
            continue
        email = normalize_email(original)
        if email is None:
            entry.refuse("original", "invalid", "invalid email address")
        else:
            emails.append(Email(email.original, email.normalized, primary))
    if sum(email.primary for email in emails) > 1:
        fields.refuse("emails", "invalid", "only one email address can be primary")
    if len({email.normalized for email in emails}) < len(emails):
        fields.refuse("emails", "taken", "an email address is there twice")
    return tuple(emails)


def read_phones(fields: Fields) -> tuple[Phone, ...]:
    """Read a profile's ``phones``."""
    phones = []
    for entry in fields.objects("phones"):
        original = entry.text("original", required=True)
        region = (entry.text("regionCode", maximum=2) or "US").upper()
        kind = entry.choice("type", _PHONE_TYPES) or ""
        preference = entry.choice("smsPreference", _SMS_PREFERENCES)
        extension = entry.text("extension", maximum=20)
        primary = entry.flag("primary") or False
        if original is None:
            continue
        normalized = normalize_phone(original, region)
        if normalized is None:
            entry.refuse("original", "invalid", "invalid phone number")
        else:
            phones.append(Phone(original, normalized, extension, region, primary, preference, kind))
    if sum(phone.primary for phone in phones) > 1:
        fields.refuse("phones", "invalid", "only one phone number can be primary")
    return tuple(phones)
