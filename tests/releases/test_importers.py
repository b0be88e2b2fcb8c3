import datetime

import pytest

from releases.importers import EditionName, ReleaseError


@pytest.mark.parametrize(
    ("label", "day"),
    [
        ("2019", datetime.date(2019, 1, 1)),
        ("2026Q1", datetime.date(2026, 1, 1)),
        ("2025Q4", datetime.date(2025, 10, 1)),
        ("2026-04", datetime.date(2026, 4, 1)),
        ("FY2026", datetime.date(2025, 10, 1)),
        ("2026Q1-sample", datetime.date(2026, 1, 1)),
    ],
)
def test_a_label_tells_the_day_that_an_edition_takes_effect(label: str, day: datetime.date) -> None:
    assert EditionName.parse(label) == EditionName(label, day, label.endswith("-sample"))


@pytest.mark.parametrize(
    "label", ["", "19", "2026Q5", "2026-13", "1019", "9999", "January", "2026Q1 ", "20\N{ARABIC-INDIC DIGIT TWO}6"]
)
def test_anything_else_is_no_edition(label: str) -> None:
    with pytest.raises(ReleaseError, match="is no edition"):
        EditionName.parse(label)
