"""The account: an e-mail address and a password, no user name."""

import datetime
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from quotas.emails import normalise_email


class UserQuerySet(models.QuerySet["User"]):
    def of_mailbox(self, address: str) -> Self:
        """The account, if any, of the mailbox that an address reaches, however the address is spelled."""
        return self.filter(email_key=normalise_email(address))

    def never_verified(self, *, before: datetime.datetime) -> Self:
        """Readers' accounts made before a moment that nobody has ever logged in to or proved to own."""
        return self.filter(date_joined__lt=before, last_login=None, is_staff=False, is_superuser=False).exclude(
            emailaddress__verified=True
        )

    def who_may_administer(self) -> Self:
        return self.filter(is_superuser=True, is_active=True)


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def of_mailbox(self, address: str) -> UserQuerySet:
        return self.get_queryset().of_mailbox(address)

    def never_verified(self, *, before: datetime.datetime) -> UserQuerySet:
        return self.get_queryset().never_verified(before=before)

    def who_may_administer(self) -> UserQuerySet:
        return self.get_queryset().who_may_administer()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @transaction.atomic
    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A superuser whose address counts as verified: whoever has a shell may log in before mail works."""
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """One account. Staff (editors) are never metered."""

    email = models.EmailField("e-mail address", unique=True)
    email_key = models.CharField(
        max_length=254,
        unique=True,
        editable=False,
        help_text="The address without the spellings that reach the same mailbox, so that one mailbox has one account.",
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Switch off to lock an account without deleting it."
    )
    is_staff = models.BooleanField("editor", default=False, help_text="May log in to the admin.")
    date_joined = models.DateTimeField("member since", default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "account"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # allauth looks addresses up in lower case; another spelling could never log in.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Saves; the derived `email_key` follows the address, also where allauth saves the address alone."""
        self.email = self.email.lower()
        self.email_key = normalise_email(self.email)
        if update_fields is not None and "email" in update_fields:
            update_fields = {*update_fields, "email_key"}
        super().save(*args, update_fields=update_fields, **kwargs)
