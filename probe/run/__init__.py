"""What one run does: to whom, in which order, how much it may send, and what of it is kept."""
