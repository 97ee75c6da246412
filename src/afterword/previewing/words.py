"""Why Customers would not have been asked, in a few words each, with the numbers of the rules that were counted by."""

from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import number
from afterword.previewing.counting import Excluded

WORDS = {
    "customer-has-no-email": "no email address",
    "closed-by-rule": "closed by a rule of Gladly's",
    "closed-by-api": "closed by a program, over the API",
    "closed-by-gladly-ai": "closed by Gladly AI",
    "closed-by-gladly": "closed by Gladly itself",
    "inbox-excluded": "in an Inbox that is not asked about",
    "agent-excluded": "of an Agent who is not asked about",
    "same-case": "closed again, and asked about already",
    "conversation-asked-before": "asked about before, and reopened",
    "topic-excluded": "by their Topics",
    "looks-like-spam": "what looks like spam",
    "channel-excluded": "in a channel that is not asked about",
    "no-customer-message": "the Customer wrote nothing",
    "no-agent-message": "no Agent wrote",
    "agent-never-wrote": "the credited Agent wrote nothing",
    "conversation-too-short": "too short",
    "closing-too-old": "too old when the quiet hours end",
    "gladly-not-found": "no longer in Gladly",
}


def why_not(excluded: Excluded, wanted: Eligibility) -> str:
    """Why these would not have been asked: *asked in the last 30 days*."""
    match excluded.code:
        case "asked-lately" if wanted.once_in_days is not None:
            return f"asked in the last {number(wanted.once_in_days)} days"
        case "not-in-share" if wanted.share_percent is not None:
            return f"not in the share of {number(wanted.share_percent)} %"
        case code:
            return WORDS.get(code, excluded.words)
