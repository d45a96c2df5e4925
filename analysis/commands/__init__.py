"""What the analyst types: a module a command, and what they share of options and files."""
