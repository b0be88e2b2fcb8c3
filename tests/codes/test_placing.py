import pytest

from codes.imports.placing import find_places, place_codes
from tests.factories import CodeFactory, HeadingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    """Evaluation lies inside Medicine's numbers without being part of it, as in the book."""
    ranges = {
        "anesthesia": ("00100", "01999"),
        "surgery": ("10004", "69990"),
        "lymph-nodes": ("38300", "38999"),
        "laparoscopic": ("38570", "38589"),
        "medicine": ("90281", "99607"),
        "evaluation": ("99202", "99499"),
        "category-ii": ("0001F", "9007F"),
        "category-iii": ("0042T", "9999T"),
    }
    return {slug: HeadingFactory(slug=slug, first_code=a, last_code=b) for slug, (a, b) in ranges.items()}


@pytest.mark.parametrize(
    ("code", "slug"),
    [
        ("38571", "laparoscopic"),
        ("38589", "laparoscopic"),
        ("38590", "lymph-nodes"),
        ("10004", "surgery"),
        ("69990", "surgery"),
        ("99213", "evaluation"),
        ("99607", "medicine"),
        ("0042T", "category-iii"),
        ("0500F", "category-ii"),
        ("70010", None),
    ],
)
def test_a_code_hangs_under_the_narrowest_range_that_holds_it(tree, code, slug):
    row = CodeFactory(code=code)
    place_codes(row.system)
    row.refresh_from_db()
    assert row.heading == (tree[slug] if slug else None)
    assert find_places([row.pk]) == {row.pk: row.heading_id}


def test_an_icd_code_with_a_point_lies_in_a_range_of_categories():
    row = CodeFactory(system__slug="icd-10-cm", code="C80.1")
    heading = HeadingFactory(system=row.system, first_code="C76", last_code="C80")
    place_codes(row.system)
    row.refresh_from_db()
    assert row.heading == heading


def test_a_code_that_has_a_heading_moves_only_when_asked_to(tree):
    row = CodeFactory(code="38571", heading=tree["medicine"])
    assert place_codes(row.system) == 0
    assert place_codes(row.system, again=True) == 1
    row.refresh_from_db()
    assert row.heading == tree["laparoscopic"]


def test_other_systems_stay_as_they_are(tree):
    row = CodeFactory(system__slug="hcpcs", code="38571")
    assert place_codes(row.system) == 0
    assert find_places([row.pk]) == {row.pk: None}
