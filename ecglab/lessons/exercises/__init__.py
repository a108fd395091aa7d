"""Exercises that answer back: a check with hints inside the notebook."""

from ecglab.lessons.exercises.exercise import Exercise, Feedback, choice, near

__all__ = ["Exercise", "Feedback", "choice", "near"]
