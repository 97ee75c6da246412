"""OpenID Connect: people who sign in at their company's own provider, and all that Afterword knows of its wire formats.

The code flow with PKCE, state and nonce. ``provider.py`` asks the provider, ``id_tokens.py`` checks what it signed.
It knows nothing of people, sessions or pages. Start in ``provider.py``.
"""
