"""What of the vendors' limits is used."""

from sqlalchemy import Column, Double, Index, Integer, Table, Text

from afterword.store.tables.columns import metadata, moment

rate_budget = Table(
    "rate_budget",
    metadata,
    Column("name", Text, primary_key=True),
    moment("theoretical_arrival", nullable=False),
    moment("held_until"),
    moment("busy_since"),
    moment("live_arrival"),
    moment("interactive_arrival"),
    moment("backfill_arrival"),
    Column("rate_told", Double),
    prefixes=["UNLOGGED"],
)
"""Not written ahead: a call need not wait for a disk, and after a crash a budget is simply unused.

``rate_told`` is the rate per second that the vendor tells, where it tells one. The arrivals of the uses are when what
was granted of each one's own share would have been spent.
"""

call_lease = Table(
    "call_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    moment("expires_at", nullable=False),
    Index("call_lease_holder_idx", "holder"),
    prefixes=["UNLOGGED"],
)
"""How many call at once: each holds a number, and renews it while it lives."""
