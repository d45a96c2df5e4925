"""One module a format of traces: what its files look like, and what a record keeps of them.

Each turns the values or bytes of one format into `probe.record.Trace`, or back. None of them
finds files, counts or judges.
"""
