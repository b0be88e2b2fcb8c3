"""The sentences of the quota bar, word for word."""

import copy
import datetime
from typing import Any

import pytest
from django.template.loader import render_to_string

from quotas.admissions import Admission

DECEMBER = datetime.date(2026, 12, 1)


def admission_with(**values: Any) -> Admission:
    defaults: dict[str, Any] = {"allowed": True, "used": 1, "limit": 1, "resets_on": DECEMBER}
    return Admission(**(defaults | values))


def bar(**values) -> str:
    admission = admission_with(**values)
    html = render_to_string(
        "quotas/_quota_bar.html", {"admission": admission, "login_url": "/in/", "signup_url": "/up/"}
    )
    return " ".join(html.split())


def sentences(**values) -> str:
    admission = admission_with(**values)
    parts = [admission.remaining_text, admission.limit_text, admission.offer_text, admission.resets_text]
    return " ".join(part for part in parts if part)


def test_a_guest_reads_the_words_of_the_design():
    assert sentences(tier="guest") == (
        "0 code page views remaining. Guest accounts are limited to 1 page view. "
        "Register free account to get 5 more views."
    )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"tier": "guest", "used": 0},
            "1 code page view remaining. Guest accounts are limited to 1 page view. "
            "Register free account to get 5 more views.",
        ),
        (
            {"tier": "crawler", "used": 0, "limit": 3, "window": "day"},
            "3 code page views remaining. Guest accounts are limited to 3 page views a day. "
            "Register free account to get 5 more views.",
        ),
        (
            {"tier": "registered", "limit": 5},
            "4 code page views remaining. Free accounts are limited to 5 page views a month. "
            "Resets on 1 December 2026.",
        ),
        (
            {"tier": "registered", "limit": 5, "window": "ever", "resets_on": None},
            "4 code page views remaining. Free accounts are limited to 5 page views.",
        ),
        (
            {"tier": "registered", "limit": 1, "used": 3, "is_override": True},
            "0 code page views remaining. Your account is limited to 1 page view a month. Resets on 1 December 2026.",
        ),
        (
            {"tier": "registered", "limit": None, "is_override": True},
            "Unlimited code page views. Your account has no limit.",
        ),
        ({"tier": "unlimited", "limit": None}, "Unlimited code page views. Editors and staff are not metered."),
    ],
)
def test_the_words_fit_the_numbers_and_the_window(values, text):
    assert sentences(**values) == text


def test_one_more_view_is_singular(settings):
    settings.QUOTA_METERS = copy.deepcopy(settings.QUOTA_METERS)
    settings.QUOTA_METERS["code_page"]["limits"]["registered"] = 1
    assert "get 1 more view." in sentences(tier="guest")


def test_a_guest_can_register_and_log_in_beside_the_words():
    html = bar(tier="guest")
    assert 'href="/in/">Log in</a>' in html
    assert 'href="/up/">Register free account</a>' in html


@pytest.mark.parametrize("values", [{"tier": "registered", "limit": 5}, {"tier": "unlimited", "limit": None}])
def test_an_account_is_not_asked_to_register(values):
    assert "Register" not in bar(**values)
