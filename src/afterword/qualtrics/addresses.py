"""Qualtrics' addresses: of its API, and of a JSON event, which is a secret."""

from urllib.parse import parse_qs

from afterword.outgoing.addresses import InvalidAddress, parse_address

JSON_EVENT_PATH = "/inbound-event/v1/events/json/triggers"
"""``json`` and ``JSON`` are both seen."""
SECRET_PARAMETER = "urlTokenId"  # noqa: S105 - its name
OLDER_PARAMETERS = ("contextId", "userId", "brandId", "triggerId")


def check_json_event_url(text: str, field: str = "json_event_url") -> str:
    """Check the address of a JSON event, as copied from a workflow, and answer it.

    Any host: Qualtrics' own (a data centre's or a brand's) or an Afterword. Two forms: with ``urlTokenId``,
    and the older one with four ids. Further parameters are kept.

    Raises:
        InvalidAddress: it is none. The message holds no part of it.
    """
    text = text.strip()
    parts = parse_address(text, field)
    if parts.path.replace("/events/JSON/", "/events/json/") != JSON_EVENT_PATH:
        raise InvalidAddress(field, f"the address of a JSON event has the path {JSON_EVENT_PATH}")
    given = parse_qs(parts.query)
    if SECRET_PARAMETER in given:
        return text
    missing = [name for name in OLDER_PARAMETERS if name not in given]
    if len(missing) == len(OLDER_PARAMETERS):
        raise InvalidAddress(field, "copy it whole: ?urlTokenId=… is missing")
    if missing:
        raise InvalidAddress(field, f"copy it whole: {', '.join(missing)} is missing")
    return text


def check_base_address(text: str, field: str = "base_address") -> str:
    """Check the address of the API (``https://DATACENTER.qualtrics.com``); answer it without a slash at its
    end.

    ``/API/v3`` behind the host is understood and left out.

    Raises:
        InvalidAddress: it is none.
    """
    parts = parse_address(text.strip(), field)
    if parts.path.strip("/").lower() not in ("", "api", "api/v3") or "?" in text:
        raise InvalidAddress(field, "leave out everything behind the host")
    return f"{parts.scheme}://{parts.netloc}"
