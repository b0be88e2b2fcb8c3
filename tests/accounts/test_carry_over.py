"""What a guest opened stays open for the account that the same browser registers, through the real pages."""

import pytest

from accounts.models import User
from quotas.models import Allowance
from quotas.readers import account_key
from tests.accounts.helpers import CONFIRM, mailed_code, sign_up
from tests.factories import CodeFactory, EntryFactory, SectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages() -> list[str]:
    """Seven pages that cost a view each."""
    urls = []
    for number in range(7):
        code = CodeFactory(code=f"0000{number}")
        EntryFactory(code=code)
        SectionFactory(code=code, kind="description")
        urls.append(code.get_absolute_url())
    return urls


def test_registering_adds_five_pages_to_the_one_that_the_guest_opened(client, pages):
    assert client.get(pages[0]).status_code == 200
    assert client.get(pages[1]).status_code == 403

    sign_up(client, "new@example.com", next=pages[1])
    assert client.get(pages[1]).status_code == 403  # nothing is unlocked before the code
    response = client.post(CONFIRM, {"code": mailed_code()})

    assert response["Location"] == pages[1]
    allowance = Allowance.objects.get(reader_key=account_key(User.objects.get()))
    assert len(allowance.carried) == 1
    assert allowance.opened == []
    assert [client.get(url).status_code for url in pages] == [200] * 6 + [403]
    assert client.get(pages[0]).status_code == 200


def test_a_sign_up_that_is_never_verified_does_not_refill_the_guest(client, pages):
    client.get(pages[0])
    sign_up(client, "new@example.com")
    assert client.get(pages[1]).status_code == 403
    assert client.get(pages[0]).status_code == 200


def test_logging_in_later_carries_nothing_over(client, pages):
    sign_up(client, "new@example.com")
    client.post(CONFIRM, {"code": mailed_code()})
    client.post("/accounts/logout/")
    client.get(pages[0])
    client.post("/accounts/login/", {"login": "new@example.com", "password": "a long enough password"})
    assert not Allowance.objects.filter(reader_key=account_key(User.objects.get())).exists()
