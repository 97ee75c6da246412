"""Web services of anybody's, called over HTTP: what a vendor's client is for a vendor, without its particulars.

``requests.py`` says what a call is and which addresses it may go to, ``errors.py`` what each refusal means to us,
``client.py`` makes the calls. Start there.
"""
