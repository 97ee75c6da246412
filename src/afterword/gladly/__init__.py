"""Gladly: the customer service side, and all that Afterword knows of its wire formats.

It knows the store only through a rate budget, and nothing of workflows, events or accounts. Start in
``client.py`` for what can be asked of Gladly (``past.py`` for what it keeps of the past, ``calling.py`` for how a call
is made), in ``webhooks.py`` for what Gladly tells us (that one is light: the web half imports it), in ``errors.py`` for
what each of Gladly's refusals means, in ``finding.py`` for what its ids are called.
"""
