"""Workflows in the database: saved in revisions that are checked, listed, compared, restored."""
