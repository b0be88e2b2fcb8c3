"""allauth's forms in this site's words, and the checks that allauth does not know."""

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.core import context, ratelimit
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.addresses import is_disposable
from accounts.models import User

LONGEST_PASSWORD = 256
PASSWORD_HELP = "At least 10 characters; not a common password, not digits alone, not like your address."  # noqa: S105


def refuse_disposable(address: str) -> None:
    if is_disposable(address):
        raise ValidationError(
            "This is a throw-away address. Please use one that you will still read next month: "
            "we send codes to it, and nothing else.",
            code="disposable",
        )


def refuse_password_of_any_length(form: forms.BaseForm) -> None:
    """Bounds what is hashed. No maxlength attribute: browsers would cut a pasted password silently."""
    for field in form.fields.values():
        if isinstance(field.widget, forms.PasswordInput):
            field.validators.append(MaxLengthValidator(LONGEST_PASSWORD))


if TYPE_CHECKING:
    Base = forms.Form
else:
    Base = object


class PlainForm(Base):
    """Labels instead of placeholders; after an error the first wrong field has the focus, JavaScript or not."""

    labels: ClassVar[dict[str, str]] = {}
    help_texts: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.help_texts.get(name, "")
        refuse_password_of_any_length(self)

    def full_clean(self) -> None:
        super().full_clean()
        for name in list(self.fields):
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                break


class LoginForm(PlainForm, allauth_forms.LoginForm):
    labels: ClassVar[dict[str, str]] = {
        "login": "E-mail address",
        "password": "Password",
        "remember": "Keep me logged in on this device",
    }


class SignupForm(PlainForm, allauth_forms.SignupForm):
    labels: ClassVar[dict[str, str]] = {
        "email": "E-mail address",
        "password1": "Password",
        "password2": "The same password again",
    }
    help_texts: ClassVar[dict[str, str]] = {
        "email": "We send a code to it to see that it is yours.",
        "password1": PASSWORD_HELP,
    }

    def clean_email(self) -> str:
        refuse_disposable(self.cleaned_data["email"])
        return str(super().clean_email())

    def validate_unique_email(self, value: str) -> str:
        email = str(super().validate_unique_email(value))
        if User.objects.of_mailbox(email).exists():
            self.account_already_exists = True
        return email

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Creates the account; if its mailbox has one already, answers as if it had been created."""
        if not self.account_already_exists:
            try:
                with transaction.atomic():
                    return self.save(request), None
            except IntegrityError:
                if not User.objects.of_mailbox(self.cleaned_data["email"]).exists():
                    raise
                self.account_already_exists = True  # somebody was faster between the check and here
        User().set_password(self.cleaned_data["password1"])  # takes as long as creating one
        answer: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return answer


class AddEmailForm(PlainForm, allauth_forms.AddEmailForm):
    labels: ClassVar[dict[str, str]] = {"email": "New e-mail address"}
    help_texts: ClassVar[dict[str, str]] = {
        "email": "We send a code to it. Your present address stays until you have entered the code."
    }

    def clean_email(self) -> str:
        refuse_disposable(self.cleaned_data["email"])
        return str(super().clean_email())


class CodeForm(PlainForm):
    """The six digits from a mail, with a bound that holds when many guesses arrive at the same moment."""

    labels: ClassVar[dict[str, str]] = {"code": "Code"}
    help_texts: ClassVar[dict[str, str]] = {"code": "The six digits in the mail."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.validators.append(MaxLengthValidator(20))
        field.widget.attrs |= {"inputmode": "numeric", "autocapitalize": "off", "spellcheck": "false"}

    def clean_code(self) -> str:
        request = context.request
        if not ratelimit.consume(request, action="enter_code", key=request.session.session_key or ""):
            raise get_adapter().validation_error("too_many_login_attempts")
        return str(super().clean_code())  # type: ignore[misc]


class ConfirmEmailVerificationCodeForm(CodeForm, allauth_forms.ConfirmEmailVerificationCodeForm):
    def clean_code(self) -> str:
        if self.user is None:  # nothing to confirm: the address has an account, or this account is gone
            self.expected_code = ""
        code = super().clean_code()
        owner = User.objects.of_mailbox(self.email).first()
        if owner and owner != self.user:  # only who reads the mailbox comes this far, so this tells nobody else
            raise get_adapter().validation_error("email_taken")
        return code


class ConfirmPasswordResetCodeForm(CodeForm, allauth_forms.ConfirmPasswordResetCodeForm):
    pass


class ResetPasswordForm(PlainForm, allauth_forms.ResetPasswordForm):
    labels: ClassVar[dict[str, str]] = {"email": "E-mail address"}
    help_texts: ClassVar[dict[str, str]] = {"email": "The address that you registered with."}


class ResetPasswordKeyForm(PlainForm, allauth_forms.ResetPasswordKeyForm):
    labels: ClassVar[dict[str, str]] = {"password1": "New password", "password2": "The new password again"}
    help_texts: ClassVar[dict[str, str]] = {"password1": PASSWORD_HELP}

    def clean(self) -> dict[str, Any] | None:
        if self.user is None:
            raise ValidationError("This account has just been deleted.")
        return super().clean()


class SetPasswordForm(PlainForm, allauth_forms.SetPasswordForm):
    labels: ClassVar[dict[str, str]] = ResetPasswordKeyForm.labels
    help_texts: ClassVar[dict[str, str]] = ResetPasswordKeyForm.help_texts


class ChangePasswordForm(PlainForm, allauth_forms.ChangePasswordForm):
    labels: ClassVar[dict[str, str]] = {"oldpassword": "Current password", **ResetPasswordKeyForm.labels}
    help_texts: ClassVar[dict[str, str]] = ResetPasswordKeyForm.help_texts


class ReauthenticateForm(PlainForm, allauth_forms.ReauthenticateForm):
    labels: ClassVar[dict[str, str]] = {"password": "Password"}


class DeleteAccountForm(PlainForm, forms.Form):
    confirmation = forms.CharField(max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    labels: ClassVar[dict[str, str]] = {"confirmation": "Type your e-mail address to confirm"}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_confirmation(self) -> str:
        typed: str = self.cleaned_data["confirmation"]
        if typed.strip().lower() != self.user.email:
            raise ValidationError(f"This is not the address of your account. It is {self.user.email}.")
        return typed
