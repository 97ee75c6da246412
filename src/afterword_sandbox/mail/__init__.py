"""The mail catcher: takes every mail by SMTP, delivers none, shows all of them as pages and as JSON.

It knows nothing of Gladly. ``catcher.py`` keeps the mails, ``reading.py`` takes one apart, ``smtp.py``
receives, ``pages.py`` shows.
"""
