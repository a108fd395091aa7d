"""From residual networks to neural ordinary differential equations, on real heartbeats."""

from importlib.metadata import version

__version__ = version("ecglab")
