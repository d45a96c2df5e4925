"""Fetches newer address tables and lists, checks them, and puts them in place in one step.

Tables age: one in a hundred hop addresses maps to another AS after four years. What is fetched
is public, documented, and asked for by the volunteer. Fetching and installing are apart, so that
nothing that is in use changes until all that was asked for has come and is checked. Nothing in here
reads traces or knows a command line.
"""
