"""Whose an address and an AS number are: operators, organisations, exchanges, the state."""
