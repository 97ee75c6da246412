"""The run engine: which task is due, one attempt of it, what follows; what holds runs, counts their failures and does
them again. Start with ``engine.py``.
"""
