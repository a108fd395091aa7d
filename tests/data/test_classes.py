"""Classes and annotation symbols, against wfdb's own list and ANSI/AAMI EC57."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wfdb.io.annotation import is_qrs

from ecglab.data.classes import CLASS_NAMES, CLASSES, LABEL_OF_SYMBOL, SYMBOLS, class_index
from ecglab.errors import DataError


def test_every_symbol_of_a_class_is_a_heartbeat_to_wfdb():
    codes = {"N": 1, "L": 2, "R": 3, "a": 4, "V": 5, "F": 6, "J": 7, "A": 8, "S": 9, "E": 10}
    codes |= {"j": 11, "/": 12, "Q": 13, "e": 34, "f": 38}
    assert set(codes) == set(LABEL_OF_SYMBOL)
    assert all(is_qrs[code] for code in codes.values())


def test_symbols_belong_to_one_class_each():
    assert len("".join(SYMBOLS.values())) == len(LABEL_OF_SYMBOL) == 15
    assert not set('+~|![]x"') & set(LABEL_OF_SYMBOL)
    assert tuple(SYMBOLS) == tuple(CLASS_NAMES) == CLASSES


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_by_name_and_by_label(name):
    assert class_index(class_index(name)) == class_index(name.lower()) == class_index(name)
    assert CLASSES[class_index(name)] == name


@pytest.mark.parametrize("name", ["X", "", "NS", 5, -1, True, None, 1.0, ["N"]])
def test_an_unknown_class_is_named(name):
    with pytest.raises(DataError, match=r"Unknown heartbeat class.*N, S, V, F, Q"):
        class_index(name)


@given(st.one_of(st.integers(), st.text(max_size=3)))
def test_class_index_gives_a_label_or_a_data_error(name):
    try:
        assert class_index(name) in range(5)
    except DataError:
        assert name not in range(5) and str(name).upper() not in CLASSES
