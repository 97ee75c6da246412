"""Reading good answers: what stands in the envelope ``{"result": …, "meta": {…}}``."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from afterword.outgoing.answers import Answer
from afterword.outgoing.masking import masked
from afterword.qualtrics.errors import QualtricsUnreadable, Told
from afterword.qualtrics.models import or_none
from afterword.translating import N_

T = TypeVar("T")


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str | None = None
    notice: str | None = None


class _Envelope(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    meta: msgspec.Raw = msgspec.Raw(b"null")


def read_result(call: str, answer: Answer, read: Callable[[bytes], T]) -> T:
    """What stands in ``result``, by a function that reads it.

    Raises:
        QualtricsUnreadable: there is no envelope, or in it is something else.
    """
    if answer.cut:
        raise QualtricsUnreadable(Told(call=call, status=answer.status, words=N_("it is longer than 5 MB")))
    try:
        return read(bytes(msgspec.json.decode(answer.body, type=_Envelope).result))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        words = masked(str(error)) if isinstance(error, msgspec.ValidationError) else N_("it is not JSON")
        raise QualtricsUnreadable(Told(call=call, status=answer.status, words=words)) from None


def notice_in(answer: Answer, secrets: Iterable[str]) -> str:
    """``meta.notice``: what Qualtrics remarks on a call that went well; empty when it is silent."""
    return masked(_meta(answer).notice or "", secrets)


def request_id_in(call: str, answer: Answer) -> str:
    """The id in an answer's envelope, of which nobody knows what else it holds: any JSON will do, and nothing too.

    Raises:
        QualtricsUnreadable: it is no JSON: a gateway's page, for one.
    """
    if not answer.body.strip():
        return ""
    try:
        msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = N_("it is not JSON")
        raise QualtricsUnreadable(Told(call=call, status=answer.status, words=words)) from None
    return _meta(answer).request_id or ""


def _meta(answer: Answer) -> _Meta:
    envelope = or_none(answer.body, _Envelope) or _Envelope()
    return or_none(bytes(envelope.meta), _Meta) or _Meta()
