"""What the analyst types: a module a command, and what they share of options and files."""

import os

# Else OpenBLAS starts a thread for each core, in each process that folds, which all wait busily for
# matrices to multiply; no figure has any. A notebook's own work may: so only commands say this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
