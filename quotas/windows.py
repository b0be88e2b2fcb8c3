"""The period an allowance covers, always in UTC, whatever the reader's clock or TIME_ZONE says."""

import datetime
from typing import Literal, get_args

Window = Literal["month", "day", "ever"]
WINDOWS: tuple[str, ...] = get_args(Window)

EVER = datetime.date(1970, 1, 1)  # the start that stands for "no window": older than any real one


def today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def window_start(window: str, day: datetime.date) -> datetime.date:
    """The first day of the window that holds `day`."""
    if window == "month":
        return day.replace(day=1)
    if window == "day":
        return day
    if window == "ever":
        return EVER
    raise ValueError(f"{window!r} is no window. The windows are {', '.join(WINDOWS)}.")


def resets_on(window: str, day: datetime.date) -> datetime.date | None:
    """The first day of the next window; None if there is none."""
    if window == "month":
        return (day.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    if window == "day":
        return day + datetime.timedelta(days=1)
    return None
