"""What happened, read for pages, for the command line and for programs: filtered, searched, and forgotten in time."""
