"""What the seed tells the demo; apart from it, so that the demo's parent process stays small."""

import msgspec


class Seeded(msgspec.Struct, frozen=True):
    """What the seed made, or found made."""

    gladly_account_id: str
    survey_id: str
    json_event_url: str
