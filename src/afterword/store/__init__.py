"""The database: tables, migrations, the embedded server, the job queue, rate budgets.

Knows nothing of what the tables mean to the parts above. Start in ``tables/`` for the shape of the data, in
``database.py`` for how a process talks to it.
"""
