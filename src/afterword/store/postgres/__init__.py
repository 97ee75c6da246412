"""Running PostgreSQL ourselves: binaries, user, folders, clusters, the server's child process.

Knows nothing of tables. What stands here serves ``store/embedded.py``, which is where to start reading; then
``launch.py`` (how a program of PostgreSQL is started so that it cannot outlive us) and ``cluster.py``.
"""
