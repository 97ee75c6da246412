"""An installation's set-up as readable files: written out, held against what is there, and put in.

``documents.py`` is what the files hold, ``folder.py`` reads and writes them, ``naming.py`` gives things the names that
files call them by, ``installed.py`` reads what is there as the same documents, ``applying.py`` makes it so, in one
transaction or not at all. Secrets are in no file, and neither is an endpoint's address, which lets events in by itself.
"""
