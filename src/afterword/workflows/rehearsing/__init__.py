"""What a workflow would do with an event, beside what it did; nothing is sent or changed."""
