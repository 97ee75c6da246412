"""What task types remember, and which of them are switched off."""

from sqlalchemy import Boolean, Column, Integer, Table, Text, text

from afterword.store.tables.columns import metadata, moment

timeline_item = Table(
    "timeline_item",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("is_there", Boolean, nullable=False, server_default=text("false")),
    Column("under_way", Integer, nullable=False, server_default=text("0")),
    moment("wanted_at", now=True),
)
"""Items on Gladly's Timelines that tell of a Response, one for each version that may stand there: noted before Gladly
is asked to make it, and taken out when it was deleted. ``under_way``: how many calls that make it may not have ended;
``wanted_at`` is when the last of them began.
"""

task_type_off = Table("task_type_off", metadata, Column("name", Text, primary_key=True))
"""The task types that are switched off, whether they are installed at the moment or not."""
