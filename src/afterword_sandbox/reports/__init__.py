"""Gladly's reports as CSV: made from the events that are kept for ever and from what the company has now.

``catalogue.py`` names the reports and which filters each takes, ``request.py`` reads what is asked for, ``writing.py``
writes the CSV a piece at a time; then there is one module for each kind of report. A new report is a function that
gives rows, named in the catalogue.
"""
