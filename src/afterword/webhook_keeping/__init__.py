"""The webhook by which Gladly tells of closings: made, watched, mended, and taken away again.

One for each connected Gladly account whose ``delivery`` is ``own``; of an account whose webhook was made by hand, that
one is watched and left as it is. Start in ``keeping.py``; ``comparing.py`` says what is wrong with what stands in
Gladly, ``telling.py`` what is told of it, both without calling anybody. It stands above ``events`` as it notes the gaps
that a webhook leaves which did not work for a while.
"""
