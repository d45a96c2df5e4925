"""The probing engine: which TTL next, which flows, when a trace is over, and the loop that asks.

What decides (`probe.engine.strategy`, `probe.engine.multipath`) knows neither clock nor socket.
None of it knows targets, consent or the disk.
"""
