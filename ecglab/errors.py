"""Errors that a reader can act on: what was found, what was expected, what to do."""


class EcglabError(Exception):
    """Base of every foreseeable mistake; the command line prints it as one sentence."""


class DataError(EcglabError, ValueError):
    """A file, a table or a set of beats is not what was expected."""


class SettingError(EcglabError, ValueError):
    """An argument has a value that cannot work."""


class SolverError(EcglabError, RuntimeError):
    """An ODE solver could not reach the end of its interval."""
