"""Each misconfiguration is told by its own check."""

import copy

import pytest
from django.core.checks import run_checks
from django.db import connections

QUOTA = "quotas.middleware.QuotaMiddleware"
ADDRESS = "quotas.middleware.ClientAddressMiddleware"


def found(*, deploy: bool = False) -> set[str]:
    return {str(message.id) for message in run_checks(tags=["quotas"], include_deployment_checks=deploy)}


@pytest.fixture
def meter(settings):
    settings.QUOTA_METERS = copy.deepcopy(settings.QUOTA_METERS)
    return settings.QUOTA_METERS["code_page"]


def test_the_settings_as_they_are_pass(settings):
    assert found() == set()
    settings.TRUSTED_PROXY_COUNT = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert found(deploy=True) == set()


def test_a_guest_limit_above_the_account_limit(meter):
    meter["limits"] = {"guest": 6, "registered": 5}
    assert found() == {"quotas.E001"}


@pytest.mark.parametrize("tier", ["guest", "registered"])
def test_a_window_that_there_is_not(meter, tier):
    meter["windows"][tier] = "week"
    assert found() == {"quotas.E002"}


@pytest.mark.parametrize("limit", [-1, None, "5"])
def test_a_limit_that_is_no_count(meter, limit):
    meter["limits"]["guest"] = limit
    assert "quotas.E003" in found()


def test_atomic_requests(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    assert found() == {"quotas.E004"}


def test_another_isolation_level(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {"isolation_level": 4})
    assert found() == {"quotas.E005"}


@pytest.mark.parametrize("where", ["missing", "first"])
def test_a_meter_that_is_missing_or_not_last(settings, where):
    others = [name for name in settings.MIDDLEWARE if name != QUOTA]
    settings.MIDDLEWARE = others if where == "missing" else [QUOTA, *others]
    assert found() == {"quotas.E006"}


@pytest.mark.parametrize("where", ["missing", "late"])
def test_a_client_address_that_is_missing_or_late(settings, where):
    others = [name for name in settings.MIDDLEWARE if name not in (ADDRESS, QUOTA)]
    settings.MIDDLEWARE = [*others, QUOTA] if where == "missing" else [*others, ADDRESS, QUOTA]
    assert found() == {"quotas.E007"}


@pytest.mark.parametrize("guests", [0, -1, None])
def test_no_bound_on_the_guests_of_a_network(settings, guests):
    settings.QUOTA_GUESTS_PER_NETWORK = guests
    assert found() == {"quotas.E008"}


def test_an_allauth_that_counts_other_proxies(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = settings.TRUSTED_PROXY_COUNT + 1
    assert found() == {"quotas.E009"}


@pytest.mark.parametrize("part", ["limits", "windows"])
def test_a_tier_that_is_missing(meter, part):
    del meter[part]["registered"]
    assert found() == {"quotas.E010"}


@pytest.mark.parametrize("signup", ["10/m/ip,200/d/ip", "5/h/ip", "1000/d/ip,200/24h/ip", "100/d"])
def test_a_sign_up_limit_that_locks_a_hospital_out(settings, signup):
    settings.ACCOUNT_RATE_LIMITS = {"signup": signup}
    assert found() == {"quotas.W001"}


@pytest.mark.parametrize("rates", [{}, {"signup": None}, {"signup": "10/m/ip,300/d/ip"}, {"signup": "5/h/user"}])
def test_a_sign_up_limit_that_is_wide_enough(settings, rates):
    settings.ACCOUNT_RATE_LIMITS = rates
    assert found() == set()


def test_no_trusted_proxy_in_production(settings):
    settings.TRUSTED_PROXY_COUNT = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    assert found() == set()
    assert found(deploy=True) == {"quotas.W002"}


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_cache_that_each_process_keeps_for_itself_in_production(settings, backend):
    settings.TRUSTED_PROXY_COUNT = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    assert found() == set()
    assert found(deploy=True) == {"quotas.W003"}


def test_a_description_that_cannot_be_imported(meter):
    meter["describe"] = "codes.presenters.no_such_function"
    assert found() == {"quotas.W004"}
