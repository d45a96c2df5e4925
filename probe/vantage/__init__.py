"""Where this machine is, whether it still stands there, and in what kind of network.

It judges no trace, and writes none.
"""
