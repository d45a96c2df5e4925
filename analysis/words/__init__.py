"""What is said of a verdict: on a terminal, in a notebook, in a report, in another language."""
