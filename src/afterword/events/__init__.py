"""Events: what an event is, recording it once, and the inbox.

Whatever starts a workflow is an event first: a webhook of Gladly's, a JSON event, an answer on our own page. Every
door records it here and only then answers; ``workflows`` takes it from here. The row is the inbox: no job is written
beside it. Start in ``models.py``; ``recording.py`` is the hot path; ``closings.py`` says what one closing is.
"""
