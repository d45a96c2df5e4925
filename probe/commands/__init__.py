"""The commands a volunteer types: each turns options into calls, and results into text.

One module a command, imported when it is called. What they do lives elsewhere; what they print
is decided here.
"""
