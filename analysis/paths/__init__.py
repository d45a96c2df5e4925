"""Where one path left the country, through whose networks, and which of its steps stand abroad.

One trace at a time: what many say together is for others.
"""
