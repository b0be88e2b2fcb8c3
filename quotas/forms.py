from django import forms
from django.conf import settings
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from quotas.models import AllowanceOverride


class MoreRequestForm(forms.Form):
    """An account asks for more."""

    meter = forms.CharField(widget=forms.HiddenInput)
    message = forms.CharField(
        label="What do you need it for?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Please say in a sentence what you need it for."},
    )

    def clean_meter(self) -> str:
        meter: str = self.cleaned_data["meter"]
        if meter not in settings.QUOTA_METERS:
            raise ValidationError("There is no such allowance.")
        return meter


class GrantForm(ActionForm):
    """Beside the actions on requests for more: how much, and why."""

    limit = forms.IntegerField(min_value=0, max_value=1_000_000, required=False, initial=50, label="New limit")
    reason = forms.CharField(required=False, label="Reason", help_text="Empty: what the account wrote.")


def meter_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in settings.QUOTA_METERS]


class NewOverrideForm(forms.ModelForm):  # type: ignore[type-arg]
    """An override is for the account with this address."""

    email = forms.EmailField(label="Account's e-mail address")
    meter = forms.ChoiceField(choices=meter_choices)

    class Meta:
        model = AllowanceOverride
        fields = ("email", "meter", "limit", "window", "reason", "ends_on")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        user = get_user_model()._default_manager.filter(email__iexact=email).first()
        if user is None:
            raise ValidationError("There is no account with this address.")
        self.instance.user = user
        return email
