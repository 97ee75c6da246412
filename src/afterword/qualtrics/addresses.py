"""Qualtrics' addresses: of its API, and of a JSON event, which is a secret."""

import re
from urllib.parse import parse_qs

from afterword.outgoing.addresses import InvalidAddress, parse_address
from afterword.translating import N_, said

JSON_EVENT_PATH = "/inbound-event/v1/events/json/triggers"
"""``json`` and ``JSON`` are both seen."""
SECRET_PARAMETER = "urlTokenId"  # noqa: S105 - its name
DOMAIN = ".qualtrics.com"
NAME = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})?")
"""A data centre or a brand, or both: ``acme.fra1``."""
HOST = re.compile(r"https://[A-Za-z0-9.-]+(?=[/?#]|$)")
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
        raise InvalidAddress(
            field, said("the address of a JSON event has the path %(path)s", path=JSON_EVENT_PATH)
        )
    given = parse_qs(parts.query)
    if SECRET_PARAMETER in given:
        return text
    missing = [name for name in OLDER_PARAMETERS if name not in given]
    if len(missing) == len(OLDER_PARAMETERS):
        raise InvalidAddress(field, N_("copy it whole: ?urlTokenId=… is missing"))
    if missing:
        raise InvalidAddress(field, said("copy it whole: %(missing)s is missing", missing=", ".join(missing)))
    return text


def check_base_address(text: str, field: str = "base_address") -> str:
    """Check where the API is: a data centre (``fra1``, old names such as ``eu`` too), a brand's own name
    (``acme``, ``acme.fra1``), or an address; answer ``https://HOST`` without a slash at its end.

    Of an address of Qualtrics' own whatever stands behind the host is left out, so that one copied from a browser
    will do. Whether the host is the right one only a call tells: Qualtrics passes calls on from a wrong data centre.

    Raises:
        InvalidAddress: it is none.
    """
    text = text.strip()
    if "://" not in text:
        text = _with_host(text.rstrip("/"), field)
    if (host := HOST.match(text)) and host[0].lower().endswith(DOMAIN):
        text = host[0]
    parts = parse_address(text, field)
    if parts.path.strip("/").lower() not in ("", "api", "api/v3") or "?" in text:
        raise InvalidAddress(field, N_("leave out everything behind the host"))
    return f"{parts.scheme}://{parts.netloc}"


def _with_host(name: str, field: str) -> str:
    """The address for a name without ``https://``."""
    if name.lower().partition("/")[0].endswith(DOMAIN):
        return f"https://{name}"
    if not NAME.fullmatch(name):
        raise InvalidAddress(
            field,
            N_("write the data centre, such as fra1, or the whole address: https://DATACENTER.qualtrics.com"),
        )
    return f"https://{name.lower()}{DOMAIN}"
