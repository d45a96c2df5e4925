"""From a measurement to what may be written: the only way to the disk.

What is the volunteer's own is found and taken out here. Nothing here opens a file of traces or a
socket.
"""
