"""The first set-up, step by step."""
