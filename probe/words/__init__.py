"""What the program says: its failures, its language, its help and its hours.

The ground floor. It knows no trace, no file of the volunteer's and no socket.
"""
