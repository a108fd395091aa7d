"""The five heartbeat classes of ANSI/AAMI EC57 and the annotation symbols they gather."""

from typing import Final

from ecglab.errors import DataError

CLASSES: Final = ("N", "S", "V", "F", "Q")

CLASS_NAMES: Final = {
    "N": "normal or bundle branch block",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion of ventricular and normal",
    "Q": "paced or unclassifiable",
}

SYMBOLS: Final = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}

LABEL_OF_SYMBOL: Final = {
    symbol: CLASSES.index(name) for name, symbols in SYMBOLS.items() for symbol in symbols
}


def class_index(name: str | int) -> int:
    """Return the label 0..4 of a class given as ``"V"`` or as ``2``; raise DataError otherwise."""
    if isinstance(name, str) and name.upper() in CLASSES:
        return CLASSES.index(name.upper())
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(CLASSES):
        return name
    raise DataError(
        f"Unknown heartbeat class {name!r}: expected one of {', '.join(CLASSES)} "
        f"or a label from 0 to {len(CLASSES) - 1}."
    )
