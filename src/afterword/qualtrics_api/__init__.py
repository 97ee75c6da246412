"""The part of Qualtrics' v3 API that we serve ourselves, so that its client programs work against Afterword.

``whoami``, surveys and their flow, one response, event subscriptions (``docs/qualtrics-api.md``). Start with
``routes.py``; ``access.py`` says who may do what.
"""
