"""Who comes in, how, and what they see of themselves."""
