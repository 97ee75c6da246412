"""The Gladly sandbox and the mail catcher: what Afterword talks to when the vendors are not there.

One process, reached only over HTTP and SMTP; it imports nothing of ``afterword`` and nothing of it is
imported there. ``api/`` answers Gladly's REST API, ``reports/`` makes its CSV, ``webhooks/`` delivers Gladly's
webhooks, ``pages/`` is what an agent sees, ``control.py`` does what Gladly's API cannot, ``faults/`` makes trouble
on demand, ``mail/`` catches mail. All of them stand on
``company/`` (the rules by which customers and conversations change) and that on ``store.py``. Start reading
at ``server.py``; what Gladly does not publish and the sandbox decided for itself is in docs/sandbox.md.
"""
