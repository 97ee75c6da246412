"""Brakes: what keeps customers from being written to, though a workflow would.

One switch pauses all sending (``pausing.py``), a workflow *in test* writes to its allow-list alone
(``allow_lists.py``), and more invitations an hour than a workflow may send, or five times as many as usual, are held
(``hourly.py``). Tasks that write to customers ask ``checking.py`` right before they do: start there. What is held is
let go or cancelled by ``workflows/running/held_back.py``.
"""
