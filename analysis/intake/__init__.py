"""From files to traces: each format, each compression, and what is left out, counted by reason.

It knows no country and no rule.
"""
