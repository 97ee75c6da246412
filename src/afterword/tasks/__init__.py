"""Tasks: one module a task type.

``contract.py`` says what a task type is; ``services.py`` what tasks are given to work with. Each other module is one
task type and knows the parts below that it needs; no module here knows another. Start with ``send_json_event.py``,
the shortest.
"""
