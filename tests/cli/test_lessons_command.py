"""``ecglab lessons``: what it writes and how it fails."""

import nbformat
import pytest


@pytest.mark.parametrize("edition", ["student", "solutions"])
def test_an_edition_of_one_lesson(call, tmp_path, edition):
    code, out, _ = call("lessons", edition, "2", "--out", tmp_path / "made")
    assert code == 0
    file = tmp_path / "made" / "02_resnet_as_euler.ipynb"
    assert out.split() == [str(file)]
    assert list((tmp_path / "made").iterdir()) == [file]
    cells = nbformat.read(file, as_version=4).cells
    exercises = [cell for cell in cells if "exercise" in cell.metadata.get("tags", [])]
    open_ones = ["answer = ..." in cell.source for cell in exercises]
    assert len(exercises) >= 4 and set(open_ones) == {edition == "student"}


def test_what_cannot_be_written_is_one_sentence(call, tmp_path):
    code, _, error = call("lessons", "student", "9", "--out", tmp_path / "made")
    assert (code, error.count("\n")) == (1, 1)
    assert "Unknown lesson '9'" in error
    assert not (tmp_path / "made").exists()


def test_work_in_the_folder_is_only_replaced_when_told_so(call, tmp_path):
    arguments = ("lessons", "student", "2", "--out", tmp_path)
    (tmp_path / "02_resnet_as_euler.ipynb").write_text("my work")
    code, _, error = call(*arguments)
    assert code == 1 and error.count("\n") == 1 and "--overwrite" in error
    assert (tmp_path / "02_resnet_as_euler.ipynb").read_text() == "my work"
    code, _, _ = call(*arguments, "--overwrite")
    assert code == 0
    assert (tmp_path / "02_resnet_as_euler.ipynb").read_text() != "my work"


def test_slides_of_one_lesson_say_that_it_was_not_executed(call, tmp_path):
    code, out, _ = call("lessons", "slides", "2", "--out", tmp_path / "made")
    file = tmp_path / "made" / "02_resnet_as_euler.html"
    assert code == 0
    assert out == f"{file} (without figures: the lesson was not executed)\n"
    assert list((tmp_path / "made").iterdir()) == [file]
    text = file.read_text()
    assert 'aria-label="1 of ' in text and "A residual block is an Euler step" in text
