"""Accounts as the site makes them: the address belongs to the account and is verified."""

from typing import Any

import factory
from allauth.account.models import EmailAddress

from accounts.models import User
from tests.factories import PASSWORD, UserFactory

__all__ = ["PASSWORD", "AccountFactory"]


class AccountFactory(UserFactory):
    """An account that can log in through the real form with `PASSWORD`; `verified=False` waits for its code."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    @factory.post_generation
    def verified(self: Any, create: bool, extracted: bool | None, **kwargs: Any) -> None:
        EmailAddress.objects.create(user=self, email=self.email, primary=True, verified=extracted is not False)
