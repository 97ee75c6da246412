"""Why Customers would not have been asked, in a few words each, with the numbers of the rules that were counted by."""

from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import number
from afterword.previewing.counting import Excluded
from afterword.translating import N_, translated
from afterword.translating import gettext as _

WORDS = {
    "customer-has-no-email": N_("no email address"),
    "closed-by-rule": N_("closed by a rule of Gladly's"),
    "closed-by-api": N_("closed by a program, over the API"),
    "closed-by-gladly-ai": N_("closed by Gladly AI"),
    "closed-by-gladly": N_("closed by Gladly itself"),
    "inbox-excluded": N_("in an Inbox that is not asked about"),
    "agent-excluded": N_("of an Agent who is not asked about"),
    "same-case": N_("closed again, and asked about already"),
    "conversation-asked-before": N_("asked about before, and reopened"),
    "topic-excluded": N_("by their Topics"),
    "looks-like-spam": N_("what looks like spam"),
    "channel-excluded": N_("in a channel that is not asked about"),
    "no-customer-message": N_("the Customer wrote nothing"),
    "no-agent-message": N_("no Agent wrote"),
    "agent-never-wrote": N_("the credited Agent wrote nothing"),
    "conversation-too-short": N_("too short"),
    "closing-too-old": N_("too old when the quiet hours end"),
    "gladly-not-found": N_("no longer in Gladly"),
}


def why_not(excluded: Excluded, wanted: Eligibility) -> str:
    """Why these would not have been asked: *asked in the last 30 days*."""
    match excluded.code:
        case "asked-lately" if wanted.once_in_days is not None:
            return _("asked in the last %(days)s days", days=number(wanted.once_in_days))
        case "not-in-share" if wanted.share_percent is not None:
            return _("not in the share of %(percent)s %%", percent=number(wanted.share_percent))
        case code:
            return translated(WORDS.get(code, excluded.words))
