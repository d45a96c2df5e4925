"""The formats of traces: what their files look like, and what a record keeps of them.

`atlas`, `scamper`, `bundle` and `parquet` turn what stands in files of one format into
`probe.record.Trace`, or back; `warts` turns scamper's binary files into the JSON for `scamper`.
`typed`, for lines of JSON, and `columns`, for Parquet, are shorter ways: they decode what a verdict
needs, and leave whatever they do not expect to the reader of the format. `jsonvalues`, `arrow` and
`multipath` serve the others. None of them finds files, counts or judges.
"""
