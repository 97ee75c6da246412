"""The web interface for those who run Afterword: sign-in and run history.

Everything but the sign-in page wants a person who is signed in. Start in ``routes.py``, which puts
sessions, CSRF checks and the pages together; ``run_history.py`` is the first thing that people see.
"""
