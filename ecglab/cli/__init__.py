"""The course from a terminal: ``ecglab``.

Packages that take seconds to load (torch, papermill) are imported by the command that needs them.
"""

from ecglab.cli.app import main

__all__ = ["main"]
