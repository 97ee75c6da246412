"""What is left of a call: its recording, a real MP3 without a sound, and what was said in it."""

import sqlite3

import msgspec

from afterword_sandbox.company.messages import CALL_SECONDS
from afterword_sandbox.errors import not_found
from afterword_sandbox.store import Store

_FRAME = bytes((0xFF, 0xF3, 0x48, 0xC0)) + bytes(140)
"""A frame of MPEG-2 Layer III, 32 kbit/s, 16 kHz, one channel; all zeros after its header is silence."""

_FRAMES_PER_SECOND = 16_000 / 576
_VOICE = ("PHONE_CALL", "VOICEMAIL")


class _Voice(msgspec.Struct):
    """What the content of a call or voicemail says of its recording."""

    recording_status: str = msgspec.field(name="recordingStatus")
    recording_summary: dict[str, str] = msgspec.field(name="recordingSummary")


def _recorded(store: Store, item_id: str, what: str) -> tuple[sqlite3.Row, _Voice]:
    """Return the row of a call or voicemail that is still recorded, and what its content says; raises 404."""
    row = store.one("SELECT * FROM items WHERE id = ?", (item_id,))
    if row is None or row["type"] not in _VOICE:
        raise not_found(what)
    voice = msgspec.json.decode(row["content"], type=_Voice)
    if voice.recording_status != "AVAILABLE":
        raise not_found(what)
    return row, voice


def recording(store: Store, item_id: str) -> bytes:
    """Return the MP3 of a call or voicemail; raises 404 when there is none (any more)."""
    _recorded(store, item_id, "recording")
    return _FRAME * round(CALL_SECONDS * _FRAMES_PER_SECOND)


def transcript(store: Store, item_id: str) -> dict[str, object]:
    """Return what was said in a call or voicemail; raises 404 when there is none (any more)."""
    row, voice = _recorded(store, item_id, "voice transcript")
    paragraph = {
        "transcript": voice.recording_summary["summary"],
        "speaker": 0,
        "startTime": 0.5,
        "endTime": CALL_SECONDS - 0.5,
    }
    return {
        "paragraphs": [paragraph],
        "customerId": row["customer_id"],
        "numberOfSpeakers": 1,
        "language": "en",
        "createdAt": row["timestamp"],
        "updatedAt": row["timestamp"],
    }
