"""Closings that nobody told us of, found in Gladly's own records.

A webhook can fail for longer than Gladly tries again, or be off, or Afterword may be down. What was closed meanwhile
stands in Gladly's records: its list of events (a day), its report of conversations (any time, whole days) and the files
of its export (two weeks). What is found there and not known goes through the ordinary inbox, so that nothing doubles.

``finding.py`` tells what is known, ``slices.py`` which record covers what; ``reading.py`` reads, ``backfilling.py``
does one backfill step by step, ``keeping.py`` has the worker do so by itself, and ``pulling.py`` reads the list of
events in place of a webhook.
"""
