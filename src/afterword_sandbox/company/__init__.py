"""The company that the sandbox plays: its customers, conversations, items and people, and the rules of their
changes.

It knows the store and Gladly's errors, and nothing of HTTP: the REST API, the agent desktop and the control
addresses all change the company through these functions, inside one `Store.transaction`, so that the same
rule and the same events hold whoever asks. Start reading at ``conversations.py``.
"""
