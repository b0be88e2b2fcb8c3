import pytest

from quotas.emails import address_digests, normalise_email


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("a.d.a+codes@gmail.com", "ada@gmail.com"),
        ("a.da@googlemail.com", "ada@gmail.com"),
        ("ada+1@outlook.com", "ada@outlook.com"),
        ("a.da+1@outlook.com", "a.da@outlook.com"),
        ("ada+1@icloud.com", "ada@icloud.com"),
        ("ada+1@example.com", "ada+1@example.com"),
        ("a.da@example.com", "a.da@example.com"),
        ("+tag@gmail.com", "+tag@gmail.com"),
    ],
)
def test_a_mailbox_has_one_spelling_where_its_provider_says_so(written, mailbox):
    assert normalise_email(written) == mailbox
    assert normalise_email(mailbox) == mailbox


def test_a_digest_belongs_to_the_mailbox_and_to_the_secret(settings):
    (digest,) = address_digests("a.da+x@gmail.com")
    assert address_digests("Ada@googlemail.com") == [digest]
    assert address_digests("bob@gmail.com") != [digest]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key"
    newer, older = address_digests("ada@gmail.com")
    assert older == digest != newer
