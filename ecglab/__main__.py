"""``python -m ecglab``."""

from ecglab.cli import main

main()
