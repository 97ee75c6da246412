"""Browsers as their users call them: enough to know one's own again in a list of sessions."""

from afterword.translating import N_, translated
from afterword.translating import gettext as _

UNKNOWN = N_("Unknown browser")
LONGEST_READ = 500

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
)
"""What a user agent's text holds and whose it is; most browsers also claim to be those further below."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_of(user_agent: str) -> str:
    """A browser in words, such as ``Firefox on Windows``; versions are nobody's business."""
    read = user_agent[:LONGEST_READ]
    browser = next((name for mark, name in BROWSERS if mark in read), UNKNOWN)
    system = next((name for mark, name in SYSTEMS if mark in read), "")
    return f"{browser} on {system}" if system else browser


def in_words(browser: str) -> str:
    """What a session keeps of its browser, in the language that is spoken."""
    name, _on, system = browser.partition(" on ")
    told = translated(name)
    return _("%(browser)s on %(system)s", browser=told, system=system) if system else told
