"""Has NumPy compute in one thread."""

import os


def use_one_thread() -> None:
    """Must precede the first import of NumPy: workers share the machine, and each has its own clips to compute with."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
