"""How many Customers of the last week would have been asked, had these rules been set.

The week's closings are read from Gladly's own records, as a backfill reads them, and judged by the functions that judge
a live closing; nothing is sent, and no event or Run is made. ``moments.py`` keeps what was read, ``judging.py`` judges
one customer's closings, ``conversations.py`` makes them of what was read and says whom to look at, ``counting.py`` what
that amounts to; ``previewer.py`` does it all step by step, ``keeping.py`` has a worker do so.
"""
