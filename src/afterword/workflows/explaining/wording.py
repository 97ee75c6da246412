"""How explain words things: names in quotes, moments, conditions, and what a task sent."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from afterword.piped_text import Pipe, parse
from afterword.workflows.conditions import Compared, Evaluation

LONGEST_VALUE = 120
MOST_NAMES = 3
SAME_DAY_SECONDS = 86_400.0

HAD_TO = {
    "equals": "had to equal",
    "does not equal": "must not equal",
    "is one of": "had to be one of",
    "is not one of": "must be none of",
    "contains": "had to contain",
    "does not contain": "must not contain",
    "matches": "had to match",
    "does not match": "must not match",
    "is greater than": "had to be greater than",
    "is not greater than": "must not be greater than",
    "is less than": "had to be less than",
    "is not less than": "must not be less than",
    "is empty": "had to be empty",
    "is not empty": "must not be empty",
}


def quoted(text: object) -> str:
    """A text of somebody's own, so that its end can be seen; long ones are cut."""
    shown = " ".join(str(text).split())
    return f"“{shown if len(shown) <= LONGEST_VALUE else shown[: LONGEST_VALUE - 1] + '…'}”"


def moment(at: datetime) -> str:
    """A moment in UTC: ``23 Nov 2026, 12:00:05 UTC``."""
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"


def capital(words: str) -> str:
    """Words with a capital to begin a sentence with."""
    return words[:1].upper() + words[1:]


def list_of(names: Sequence[str]) -> str:
    """Names in a sentence: ``“A”, “B” and 4 more``."""
    shown = [quoted(name) for name in names[:MOST_NAMES]]
    rest = len(names) - MOST_NAMES
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number with its word: ``1 time``, ``5 times``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A length of time with the unit that matters: ``40 s``, ``3 min``, ``5 h``, ``2 days``."""
    for size, name in ((86_400, "day"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            number = round(seconds / size)
            return plural(number, name) if name == "day" else f"{number} {name}"
    return "less than a second"


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
        return f"{quoted(name)} could not be compared: {compared.problem}"
    found = f"was {quoted(compared.found)}" if compared.found else "was empty"
    wanted = " or ".join(quoted(value) for value in compared.wanted)
    return f"{quoted(name)} {found} and {HAD_TO[compared.operator]} {wanted}".rstrip()


def comparisons(evaluation: Evaluation) -> tuple[str, ...]:
    """Those comparisons that decided it: the ones that came out as the whole did, or all when none did."""
    decisive = [one for one in evaluation.compared if one.holds is evaluation.holds]
    return tuple(capital(comparison(one)) + "." for one in decisive or evaluation.compared)


def sent(values: Mapping[str, object], output: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """What went out as the end of a sentence, and in details: a mail, an item of the Timeline, or values."""
    if values.get("to") and "subject" in values:
        return f": a mail went to {values['to']}, subject {quoted(values['subject'])}", ()
    if "title" in values and "body" in values:
        already = "stood already" if output.get("alreadyThere") in (True, "true") else "were put"
        item = f", item {output['itemId']}" if output.get("itemId") else ""
        what = f"{quoted(values['title'])} and {quoted(values['body'])}"
        return f": {what} {already} on the Customer's Timeline in Gladly{item}", ()
    details = tuple(f"{name}: {quoted(value)}" for name, value in values.items() if value not in ("", None))
    return (f", and sent {plural(len(details), 'value')}" if details else ""), details


def reasons(words: Iterable[str | None]) -> str:
    """Reasons as the end of a sentence, each once."""
    return "; ".join(dict.fromkeys(word for word in words if word))
