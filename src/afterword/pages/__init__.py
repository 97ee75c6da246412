"""What every page shares: the layout, the style sheet, the headers, how moments and durations are written.

Knows nothing of what the pages show; each door has its own templates and lays them over the shared ones.
Start in ``rendering.py``; the look is ``static/afterword.css``.
"""

from afterword.pages.rendering import error_page

__all__ = ["error_page"]
