"""Qualtrics: the survey side, and all that Afterword knows of its wire formats.

``client.py`` calls Qualtrics, or whatever answers like it; ``errors.py`` says what each refusal means, ``models.py``,
``flows.py`` and ``responses.py`` what an answer holds. ``webhooks.py`` reads what Qualtrics tells us, and from whom.
``envelope.py`` is the form of every answer, for our own doors that speak Qualtrics. These two are light, and
know no web framework. Start with ``client.py``.
"""
