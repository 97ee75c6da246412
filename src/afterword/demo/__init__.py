"""The demo: everything on one machine, with the Gladly sandbox in Gladly's place.

``run.py`` starts and supervises it, ``seed.py`` puts the guide's set-up in, ``once.py`` goes the whole way by itself,
``descriptor.py`` is ``demo.json``, by which other programs join in. Knows the sandbox only by HTTP and SMTP.
"""
