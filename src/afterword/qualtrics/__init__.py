"""Qualtrics: the survey side, and all that Afterword knows of its wire formats.

``client.py`` calls Qualtrics, or whatever answers like it; ``errors.py`` says what each refusal means.
``envelope.py`` is the form of every answer, for our own doors that speak Qualtrics; it is light and knows no
web framework. Start there.
"""
