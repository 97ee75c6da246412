"""The editor's form as a browser without scripts reads and sends it."""

from html.parser import HTMLParser

Pairs = list[tuple[str, str]]


class FormReader(HTMLParser):
    """Collects what the form of this id sends when nothing was typed, in order."""

    def __init__(self, form_id: str) -> None:
        super().__init__(convert_charrefs=True)
        self._form_id = form_id
        self._is_within = False
        self._area: str | None = None
        self._text = ""
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self.pairs: Pairs = []
        self.buttons: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_within = given.get("id") == self._form_id
        if not self._is_within:
            return
        match tag:
            case "input" if given.get("type") in {"checkbox", "radio"}:
                if "checked" in given:
                    self.pairs.append((given["name"], given.get("value", "on")))
            case "input" if given.get("name"):
                self.pairs.append((given["name"], given.get("value", "").replace("\n", "")))
            case "textarea":
                self._area, self._text = given["name"], ""
            case "select":
                self._select, self._options = given["name"], []
            case "option":
                self._options.append((given["value"], "selected" in given))
            case "button" if given.get("name") == "do":
                self.buttons.append(given["value"])

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            text = self._text.removeprefix("\n").replace("\n", "\r\n")
            self.pairs.append((self._area, text))
            self._area = None
        elif tag == "select" and self._select is not None:
            chosen = [value for value, is_chosen in self._options if is_chosen] or [self._options[0][0]]
            self.pairs.append((self._select, chosen[-1]))
            self._select = None
        elif tag == "form":
            self._is_within = False


def form_in(page: str, form_id: str = "workflow-form") -> FormReader:
    """The form of a page."""
    reader = FormReader(form_id)
    reader.feed(page)
    return reader
