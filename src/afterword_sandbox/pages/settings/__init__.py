"""The settings pages: users, API tokens, webhooks, behaviour and faults.

They are where the prerequisites of the vendors' guide are practised. Each module is a page with its forms and its
``ROUTES``; ``frame.py`` is what they have in common.
"""
