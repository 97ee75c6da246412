"""Running PostgreSQL ourselves: binaries, user, folders, clusters, the server as a child process.

Knows nothing of tables. What stands here serves ``store/embedded.py``. Start reading in ``server.py``; then
``launch.py`` (how a program of PostgreSQL is started so that it cannot outlive us) and ``cluster.py``.
"""
