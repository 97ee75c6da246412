"""Piped text: Qualtrics' way of putting values into a text.

On the ground: knows nothing above. ``grammar.py`` says what a pipe is, ``filling.py`` puts values in, ``escaping.py``
makes each harmless for the place it goes to. Values come from *sources*, functions from a pipe to a value, which each
part brings itself (docs/piped-text.md).
"""

from afterword.piped_text.escaping import Place, as_is
from afterword.piped_text.filling import Ready, Source, UnknownPipe, render, value_of
from afterword.piped_text.grammar import Pipe, parse

__all__ = ["Pipe", "Place", "Ready", "Source", "UnknownPipe", "as_is", "parse", "render", "value_of"]
