"""What readers may ask for in a query string, and the error report."""

import datetime
from typing import Any

from django import forms
from django.utils import timezone

EARLIEST = datetime.date(1966, 1, 1)  # the first edition of CPT


class AsOfForm(forms.Form):
    """`?on=2025-03-01`: read the page as of a date of service."""

    on = forms.DateField(
        label="Date of service",
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Write the date of service as year-month-day, such as 2025-03-01."},
    )

    def clean_on(self) -> datetime.date | None:
        day: datetime.date | None = self.cleaned_data["on"]
        if day and not EARLIEST <= day <= timezone.now().date() + datetime.timedelta(days=730):
            raise forms.ValidationError("Choose a date of service between 1966 and two years from now.")
        return day


class LookupForm(forms.Form):
    """The search box: a code, the start of one, or words."""

    q = forms.CharField(
        label="Code or words",
        max_length=100,
        error_messages={"max_length": "Type at most 100 characters."},
    )

    def clean_q(self) -> str:
        return " ".join(self.cleaned_data["q"].split())


class ErrorReportForm(forms.Form):
    """What a reader says is wrong on a page."""

    path = forms.CharField(max_length=300, widget=forms.HiddenInput)
    message = forms.CharField(
        label="What is wrong, and how do you know?",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Name the sentence or figure and, if you can, the source that says otherwise. No patient data.",
    )
    email = forms.EmailField(
        label="Your e-mail address",
        required=False,
        help_text="Only if you want an answer.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_path(self) -> str:
        path: str = self.cleaned_data["path"]
        if not path.startswith("/") or path.startswith("//"):
            raise forms.ValidationError("Open this form from the page that you want to report.")
        return path


class PageForm(forms.Form):
    """`?page=2` of a long list, `?all=1` to list codes that are not in force too."""

    page = forms.IntegerField(min_value=1, max_value=100_000, required=False)
    all = forms.BooleanField(required=False)

    @classmethod
    def of(cls, data: Any) -> tuple[int, bool]:
        """Page number and whether all codes are asked for; nonsense means the first page of those in force."""
        form = cls(data)
        form.is_valid()
        return form.cleaned_data.get("page") or 1, form.cleaned_data.get("all", False)
