"""The part of Qualtrics' v3 API that we serve ourselves, so that its client programs work against Afterword.

Now: ``whoami``, by which every client tries its token. Start with ``routes.py``.
"""
