"""What two texts have in common."""

from __future__ import annotations

from interp_widgets.results.differences import differences, word_differences


def test_items_outside_what_is_common() -> None:
    assert differences([1, 2, 3, 4], [1, 9, 3]) == ([False, True, False, True], [False, True, False])
    assert differences([], [1]) == ([], [True])


def test_a_word_differs_as_a_whole() -> None:
    one, other = [" Syd", "ney", ",", " the", " city"], [" Can", "berra", ",", " the", " cit", "adel"]
    assert word_differences(one, other) == ([True, True, False, False, True], [True, True, False, False, True, True])
    # The same word of other tokens is the same word.
    assert word_differences([" Sydney"], [" Syd", "ney"]) == ([False], [False, False])
    assert word_differences([], []) == ([], [])


def test_a_sign_is_a_word_of_its_own() -> None:
    assert word_differences([" no", "."], [" no", "!"]) == ([False, True], [False, True])
    assert word_differences(["\n", "A"], ["\n", "B"]) == ([False, True], [False, True])
