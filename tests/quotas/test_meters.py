import pytest

from quotas.meters import count_of, get_meter


def test_a_meter_has_short_names_for_its_unit():
    meter = get_meter("code_page")
    assert (meter.unit, meter.short_unit, meter.shortest_unit) == ("code page view", "page view", "view")


def test_an_unknown_meter_is_named_with_those_there_are():
    with pytest.raises(KeyError, match=r"No meter 'x' in QUOTA_METERS\. It has code_page"):
        get_meter("x")


@pytest.mark.parametrize(("number", "text"), [(0, "0 views"), (1, "1 view"), (2, "2 views")])
def test_one_is_singular(number, text):
    assert count_of(number, "view") == text
