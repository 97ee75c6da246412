"""What tells of a Response in a connected Qualtrics account."""

from afterword.surveys.responses import SurveyResponseTold


class NotifiedResponse(SurveyResponseTold, frozen=True, rename="camel"):
    """The body of the event.

    ``way`` is how we were told (``event-subscription``, ``web-service``), ``message`` what was said, to the letter.
    ``announcement`` tells one event of a Response from another: its kind, and of an update the moment too.
    """

    way: str = ""
    announcement: str = "created"
    message: str = ""
