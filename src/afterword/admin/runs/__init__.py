"""Run history, replays, rehearsals and explanations."""
