import os

# Small matrices train no faster on more threads, and the suite runs beside other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")
