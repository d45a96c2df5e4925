"""What differs between two verdicts, and what could have done it."""
