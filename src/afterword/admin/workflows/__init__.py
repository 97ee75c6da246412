"""Workflows: their list, what makes and changes them, and JSON events."""
