"""From residual networks to neural ordinary differential equations, on real heartbeats."""

import os
from importlib.metadata import version

__version__ = version("ecglab")

# Threads of torch (GNU OpenMP) wait for each other in a loop that keeps their core busy. Beside a
# browser or a second kernel that makes training on two cores five to nine times slower; so short a
# wait costs nothing on a quiet machine. It is read when torch is loaded, and kernels inherit it.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
