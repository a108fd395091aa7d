"""Residual networks, neural ordinary differential equations and their solvers."""

from ecglab.models.odenet import ODENet
from ecglab.models.resnet import ResNet
from ecglab.models.solve import Solver, SolverReport, solve

__all__ = ["ODENet", "ResNet", "Solver", "SolverReport", "solve"]
