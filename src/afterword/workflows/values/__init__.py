"""What an event and earlier tasks offer to a run, and a task's configuration filled in with it."""
