from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from hypothesis import given
from hypothesis import strategies as st

from quotas.readers import GUEST_COOKIE, guest_key, key_in_cookie, new_guest_key, reader_of, set_guest_cookie

KEY = "g:" + "A" * 22


def cookie_of(key: str) -> str:
    response = HttpResponse()
    set_guest_cookie(response, key)
    return response.cookies[GUEST_COOKIE].value


def test_a_guest_is_known_by_the_cookie():
    key = new_guest_key()
    request = RequestFactory().get("/")
    request.COOKIES[GUEST_COOKIE] = cookie_of(key)
    assert guest_key(request) == key
    assert (reader_of(request).key, reader_of(request).tier) == (key, "guest")


def test_guests_are_random():
    assert len({new_guest_key() for _ in range(1000)}) == 1000


@given(cookie=st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_any_text_is_no_reader(cookie):
    assert key_in_cookie(cookie) is None


@given(raw=st.binary(max_size=200))
def test_any_bytes_in_the_cookie_header_are_no_reader_and_no_error(raw):
    header = b"guest=" + raw
    request = RequestFactory().get("/", HTTP_COOKIE=header.decode("latin-1"))
    assert guest_key(request) is None
    assert reader_of(request).key is None


@given(place=st.integers(0, 80), character=st.characters())
def test_a_changed_cookie_is_no_other_reader(place, character):
    cookie = cookie_of(KEY)
    place %= len(cookie)
    changed = cookie[:place] + character + cookie[place + 1 :]
    assert key_in_cookie(changed) in ({None, KEY} if changed == cookie else {None})


@given(guest=st.text(st.characters(codec="ascii"), max_size=40))
def test_a_signed_text_that_is_no_id_of_ours_is_no_reader(guest):
    with override_settings(QUOTA_GUEST_COOKIE_AGE=1000):
        key = key_in_cookie(cookie_of(f"g:{guest}"))
    assert key in {None, f"g:{guest}"}
    assert key is None or len(guest) == 22
