"""Countries of which the truth is known: how often a verdict is wrong, and whom to recruit."""
