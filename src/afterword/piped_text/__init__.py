"""Piped text: Qualtrics' way of putting values into a text.

On the ground: knows nothing above. ``grammar.py`` says what a pipe is, ``filling.py`` puts values in, ``escaping.py``
makes each harmless, ``places.py`` fills a text in for the place it goes to. ``dates.py`` has the values that need no
part above; all others come from *sources*, functions from a pipe to a value, which each part brings itself
(docs/piped-text.md).
"""

from afterword.piped_text import escaping
from afterword.piped_text.dates import dates_source, random_source
from afterword.piped_text.escaping import Place, as_is
from afterword.piped_text.filling import Json, Ready, Source, UnknownPipe, render, value_of
from afterword.piped_text.grammar import Pipe, parse
from afterword.piped_text.places import UnfitValue, author_mistake, fill

__all__ = [
    "Json",
    "Pipe",
    "Place",
    "Ready",
    "Source",
    "UnfitValue",
    "UnknownPipe",
    "as_is",
    "author_mistake",
    "dates_source",
    "escaping",
    "fill",
    "parse",
    "random_source",
    "render",
    "value_of",
]
