"""When a gateway was switched on: who moved to it, in which wave, and whether they stay there."""
