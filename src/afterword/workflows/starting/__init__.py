"""What starts runs: events held against workflows, schedules, kept events fed to a workflow, backfill; the endpoints
of JSON Events and the samples they capture.
"""
