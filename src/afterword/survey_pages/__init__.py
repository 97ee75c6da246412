"""What a respondent sees: the survey behind a personal link, and the way out of further surveys.

Whoever holds a personal link may answer it: there is no sign-in, the link's token is the key. Opening a
page stores nothing, since mail gateways follow links; only sending a form does. Start in ``routes.py``.
"""
