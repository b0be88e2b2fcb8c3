import datetime

import pytest
import time_machine

from quotas.windows import EVER, resets_on, today, window_start

DAY = datetime.date(2026, 12, 31)
NEW_YEAR = datetime.date(2027, 1, 1)


@pytest.mark.parametrize(
    ("window", "start", "reset"),
    [("month", datetime.date(2026, 12, 1), NEW_YEAR), ("day", DAY, NEW_YEAR), ("ever", EVER, None)],
)
def test_a_window_has_a_first_day_and_a_day_after_it(window, start, reset):
    assert window_start(window, DAY) == start
    assert resets_on(window, DAY) == reset


@pytest.mark.parametrize("month", range(1, 13))
def test_every_day_of_a_month_is_in_its_window(month):
    for day in (1, 28):
        date = datetime.date(2024, month, day)
        assert window_start("month", date) == datetime.date(2024, month, 1)
        assert resets_on("month", date) == datetime.date(2024 + month // 12, month % 12 + 1, 1)


def test_an_unknown_window_is_named():
    with pytest.raises(ValueError, match=r"'week' is no window\. The windows are month, day, ever"):
        window_start("week", DAY)


def test_the_day_is_utc_wherever_the_site_runs():
    with time_machine.travel(
        datetime.datetime(2026, 11, 30, 20, tzinfo=datetime.timezone(datetime.timedelta(hours=-5)))
    ):
        assert today() == datetime.date(2026, 12, 1)
