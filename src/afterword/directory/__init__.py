"""XM Directory: contacts, mailing lists, opt-outs.

A contact is one person by email address, whatever lists it is on; an opt-out holds for the whole directory. Start in
``contacts.py``.
"""
