"""Layout of line labels."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stellar_core.figures.label_layout import group_lines, label_rows


def test_close_lines_of_one_label_are_grouped():
    groups = group_lines([(5185.0, "Mg b"), (5168.8, "Mg b"), (4102.9, "Hδ"), (5174.1, "Mg b")])
    assert groups == [(4102.9, "Hδ", (4102.9,)), (5168.8, "Mg b", (5168.8, 5174.1, 5185.0))]


def test_distant_lines_of_one_label_are_not_grouped():
    assert [group[0] for group in group_lines([(4000.0, "Ca"), (8500.0, "Ca"), (8542.0, "Ca")])] == [4000.0, 8500.0]


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=40),
    st.lists(st.floats(1, 200), min_size=40, max_size=40),
    st.integers(1, 6),
)
def test_texts_and_strokes_do_not_overlap(positions, widths, n_rows):
    positions = sorted(positions)
    widths = widths[: len(positions)]
    rows = label_rows(positions, widths, n_rows)
    placed = [(x, x + w, row) for x, w, row in zip(positions, widths, rows) if row is not None]
    assert placed, "the first flag always finds a place"
    for index, (start, _, row) in enumerate(placed):
        for other_start, other_end, other_row in placed[:index]:
            if other_row >= row:  # this pole passes the other's text, or shares its row
                assert not other_start < start < other_end


def test_labels_without_space_are_omitted():
    assert label_rows([0, 1, 2, 3], [100] * 4, 2) == [0, 1, None, None]
