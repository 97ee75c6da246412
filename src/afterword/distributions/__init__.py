"""Distributions: invitations to answer a survey, and the mail that carries them.

``invitations.py`` makes and finds them, ``mail.py`` makes one into a message (a pure function, the same to the byte
each time), ``sending.py`` hands that to the mail server.
"""
