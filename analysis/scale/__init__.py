"""Millions of traces in bounded memory: likenesses, the fold, all cores, a Dask cluster.

The same answer to the last digit whatever the order, the pieces and the machines.
"""
