"""What tells of a Response in a connected Qualtrics account."""

from datetime import datetime, timedelta

from afterword.surveys.models import SurveyResponseTold

SAME_UPDATE = timedelta(seconds=60)
"""So long after an update further notifications of it are taken for repeats: a Web Service task is tried again after
some 10 s (unsure).
"""
UPDATED = "updated "


class NotifiedResponse(SurveyResponseTold, frozen=True, rename="camel"):
    """The body of the event.

    ``way`` is how we were told (``event-subscription``, ``web-service``), ``message`` what was said, to the letter.
    ``announcement`` tells one event of a Response from another: its kind, and of an update the moment too.
    """

    way: str = ""
    announcement: str = "created"
    message: str = ""

    @property
    def settles_at(self) -> datetime | None:
        """Until when another update of the Response would be taken for a repeat of this one; ``None`` for no update."""
        try:
            moment = datetime.fromisoformat(self.announcement.removeprefix(UPDATED))
        except ValueError:
            return None
        return moment + SAME_UPDATE if moment.tzinfo is not None else None
