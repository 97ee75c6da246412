"""How explain words things: names in quotes, moments, conditions, and what a task sent."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from afterword.pages.wording import date_and_time
from afterword.piped_text import Pipe, parse
from afterword.translating import N_, ngettext, retold, translated
from afterword.translating import gettext as _
from afterword.workflows.conditions import Compared, Evaluation

LONGEST_VALUE = 120
MOST_NAMES = 3

HAD_TO = {
    "equals": N_("had to equal"),
    "does not equal": N_("must not equal"),
    "is one of": N_("had to be one of"),
    "is not one of": N_("must be none of"),
    "contains": N_("had to contain"),
    "does not contain": N_("must not contain"),
    "matches": N_("had to match"),
    "does not match": N_("must not match"),
    "is greater than": N_("had to be greater than"),
    "is not greater than": N_("must not be greater than"),
    "is less than": N_("had to be less than"),
    "is not less than": N_("must not be less than"),
    "is empty": N_("had to be empty"),
    "is not empty": N_("must not be empty"),
}


def quoted(text: object) -> str:
    """A text of somebody's own, so that its end can be seen; long ones are cut."""
    shown = " ".join(str(text).split())
    shown = shown if len(shown) <= LONGEST_VALUE else shown[: LONGEST_VALUE - 1] + "…"
    return _("“%(text)s”", text=shown)


def moment(at: datetime) -> str:
    """A moment in UTC: ``23 Nov 2026, 12:00:05 UTC``."""
    return f"{date_and_time(at.astimezone(UTC))} UTC"


def capital(words: str) -> str:
    """Words with a capital to begin a sentence with."""
    return words[:1].upper() + words[1:]


def list_of(names: Sequence[str]) -> str:
    """Names in a sentence: ``“A”, “B” and 4 more``."""
    shown = [quoted(name) for name in names[:MOST_NAMES]]
    rest = len(names) - MOST_NAMES
    if rest > 0:
        return _("%(names)s and %(number)s more", names=", ".join(shown), number=rest)
    if len(shown) > 1:
        return _("%(names)s and %(last)s", names=", ".join(shown[:-1]), last=shown[-1])
    return "".join(shown)


def duration(seconds: float) -> str:
    """A length of time with the unit that matters: ``40 s``, ``3 min``, ``5 h``, ``2 days``."""
    for size, name in ((86_400, "day"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            number = round(seconds / size)
            return ngettext("%(num)s day", "%(num)s days", number) if name == "day" else f"{number} {name}"
    return _("less than a second")


def field_name(field: str) -> str:
    """What a condition looks at, without the signs of piped text: ``inboxId``."""
    pieces = parse(field)
    if len(pieces) == 1 and isinstance(pieces[0], Pipe):
        return pieces[0].path.removeprefix("Field/") or field
    return field


def comparison(compared: Compared) -> str:
    """One comparison with the values that decided it."""
    name = field_name(compared.field)
    if compared.problem:
        return _("%(name)s could not be compared: %(why)s", name=quoted(name), why=retold(compared.problem))
    found = _("was %(value)s", value=quoted(compared.found)) if compared.found else _("was empty")
    wanted = f" {_('or')} ".join(quoted(value) for value in compared.wanted)
    had_to = translated(HAD_TO[compared.operator])
    words = _(
        "%(name)s %(found)s and %(had_to)s %(wanted)s",
        name=quoted(name),
        found=found,
        had_to=had_to,
        wanted=wanted,
    )
    return words.rstrip()


def comparisons(evaluation: Evaluation) -> tuple[str, ...]:
    """Those comparisons that decided it: the ones that came out as the whole did, or all when none did."""
    decisive = [one for one in evaluation.compared if one.holds is evaluation.holds]
    return tuple(capital(comparison(one)) + "." for one in decisive or evaluation.compared)


def sent(values: Mapping[str, object], output: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """What went out as the end of a sentence, and in details: a mail, an item of the Timeline, or values."""
    if values.get("to") and "subject" in values:
        to, subject = values["to"], quoted(values["subject"])
        return _(": a mail went to %(to)s, subject %(subject)s", to=to, subject=subject), ()
    if "title" in values and "body" in values:
        item = _(", item %(item)s", item=output["itemId"]) if output.get("itemId") else ""
        told = {"title": quoted(values["title"]), "body": quoted(values["body"])}
        if output.get("alreadyThere") in (True, "true"):
            words = _(": %(title)s and %(body)s stood already on the Customer's Timeline in Gladly", **told)
        else:
            words = _(": %(title)s and %(body)s were put on the Customer's Timeline in Gladly", **told)
        return f"{words}{item}", ()
    details = tuple(f"{name}: {quoted(value)}" for name, value in values.items() if value not in ("", None))
    if not details:
        return "", ()
    return ngettext(", and sent %(num)s value", ", and sent %(num)s values", len(details)), details


def reasons(words: Iterable[str | None]) -> str:
    """Reasons as the end of a sentence, each once."""
    return "; ".join(dict.fromkeys(retold(word) for word in words if word))
