"""Files and folders: where they are, who may read them, and what an error of the disk amounts to.

It knows nothing of what is in them.
"""
