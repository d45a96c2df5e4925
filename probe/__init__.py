"""The volunteer's half: measures routes, and keeps them without what could harm whoever measured.

It sends nothing on unless its owner says so, and knows nothing of how a country is judged.
"""

__version__ = "0.1.0"
