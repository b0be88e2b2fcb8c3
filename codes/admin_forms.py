"""The form of a code's editing screen: its entry, its eight sections and its editor's wording, saved together."""

import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from codes.actions import (
    REASON_LENGTH,
    EditConflict,
    EntryText,
    SectionText,
    check_override,
    entry_text_of,
    is_to_be_written,
    override_version,
    save_entry,
    save_override,
    save_section,
    tidy,
)
from codes.differences import compare
from codes.markdown import render, validate
from codes.models import Code, DescriptorOverride, Entry, Section

MAX_VERSION = 2**31 - 1  # what the columns hold
ENTRY_FIELDS = ("title", "sample_descriptor", "is_sample", "reviewed_by", "reviewed_on")


class TextEditor(forms.Textarea):
    """A text area that can show, below itself, what somebody else has saved in the meantime."""

    template = "admin/codes/_text_editor.html"

    def __init__(self, *, rows: int = 3, label: str = "") -> None:
        super().__init__(attrs={"rows": rows, "class": "vLargeTextField"})
        self.label = label
        self.conflict: dict[str, Any] | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        textarea = super().render(name, value, attrs, renderer)
        return render_to_string(self.template, {"textarea": textarea, "name": name, **self.context(value)})

    def context(self, value: Any) -> dict[str, Any]:
        return {"label": self.label, "conflict": self.conflict}


class MarkdownEditor(TextEditor):
    """A text area with a preview beside it."""

    template = "admin/codes/_markdown_editor.html"

    def context(self, value: Any) -> dict[str, Any]:
        return {**super().context(value), "html": render(value or "")}


def section_fields() -> dict[str, forms.Field]:
    """Three fields for each of the eight sections, whether it exists or not."""
    fields: dict[str, forms.Field] = {}
    for kind in Section.Kind:
        fields[f"{kind}_status"] = forms.ChoiceField(
            label="Status", choices=Section.Status.choices, required=False, initial=Section.Status.DRAFT
        )
        fields[f"{kind}_text"] = forms.CharField(
            label="Markdown", required=False, strip=False, widget=MarkdownEditor(rows=14, label=kind.label)
        )
        fields[f"{kind}_version"] = forms.IntegerField(
            widget=forms.HiddenInput, initial=0, min_value=0, max_value=MAX_VERSION, required=False
        )
    return fields


class CodeForm(forms.ModelForm):  # type: ignore[type-arg]
    """All that editors write about one code. The code itself belongs to the imports; none of its columns is saved."""

    title = forms.CharField(
        label="Plain title", required=False, max_length=160, widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    sample_descriptor = forms.CharField(
        required=False,
        widget=TextEditor(rows=3),
        help_text="Our own line, shown as sample wording where no official text is loaded. Never the AMA's.",
    )
    is_sample = forms.BooleanField(
        label="Sample content", required=False, help_text="The page says: not reviewed by a certified coder."
    )
    reviewed_by = forms.CharField(required=False, max_length=120, widget=forms.TextInput(attrs={"class": "vTextField"}))
    reviewed_on = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    entry_version = forms.IntegerField(
        widget=forms.HiddenInput, initial=0, min_value=0, max_value=MAX_VERSION, required=False
    )
    override_text = forms.CharField(
        label="Editor’s wording",
        required=False,
        strip=False,
        widget=TextEditor(rows=3),
        help_text="Shown instead of the imported text, and named as yours. Empty it to show the imported text again.",
    )
    override_reason = forms.CharField(
        label="Reason", required=False, widget=TextEditor(rows=2), help_text="Why the imported text is not good enough."
    )
    override_version = forms.IntegerField(
        widget=forms.HiddenInput, initial=0, min_value=0, max_value=MAX_VERSION, required=False
    )
    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="One line for the history, such as “CPT 2027 changed the family”.",
    )

    class Meta:
        model = Code
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(section_fields())
        code = self.instance
        self.sections = {section.kind: section for section in Section.objects.filter(code=code)}
        self.entry = Entry.objects.filter(code=code).first()
        self.override = DescriptorOverride.objects.filter(code=code).first()
        for kind, section in self.sections.items():
            self.initial[f"{kind}_status"] = section.status
            self.initial[f"{kind}_text"] = section.text
            self.initial[f"{kind}_version"] = section.version
        if self.entry:
            self.initial.update({name: getattr(self.entry, name) for name in ENTRY_FIELDS})
            self.initial["entry_version"] = self.entry.version
        if self.override:
            self.initial.update({"override_text": self.override.text, "override_reason": self.override.reason})
        self.initial["override_version"] = override_version(code)

    # What the editor wants, from the cleaned data

    def section_text(self, kind: str) -> SectionText:
        status = self.cleaned_data.get(f"{kind}_status") or Section.Status.DRAFT
        return SectionText(tidy(self.cleaned_data.get(f"{kind}_text", "")), status)

    def entry_text(self) -> EntryText:
        return EntryText(**{name: self.cleaned_data.get(name) for name in ENTRY_FIELDS})  # type: ignore[arg-type]

    def version(self, part: str) -> int:
        return self.cleaned_data.get(f"{part}_version") or 0

    def wants_entry(self) -> bool:
        return self.version("entry") > 0 or any(self.cleaned_data.get(name) for name in ENTRY_FIELDS)

    # Checking

    def clean(self) -> dict[str, Any]:
        """Nothing is saved unless all parts can be: a conflict in one keeps the editor's whole form on the screen."""
        super().clean()
        self._clean_entry()
        for kind in Section.Kind:
            self._clean_section(kind)
        self._clean_override()
        return self.cleaned_data

    def _clean_entry(self) -> None:
        if not self.wants_entry() or any(name in self.errors for name in ENTRY_FIELDS):
            return
        if not self.cleaned_data.get("title"):
            self.add_error("title", "Write the plain title.")
            return
        mine = self.entry_text()
        try:
            is_to_be_written(self.entry, mine, self.version("entry"), Entry.history.filter(code=self.instance))
        except EditConflict as conflict:
            self._renew("entry_version", conflict.theirs.version if conflict.theirs else 0)  # type: ignore[union-attr]
            theirs = entry_text_of(conflict.theirs) if conflict.theirs else EntryText("")
            for name in ENTRY_FIELDS:
                if getattr(theirs, name) != getattr(mine, name):
                    self.add_error(name, f"{self._who(Entry)} It now says “{_words(getattr(theirs, name))}”. {ADVICE}")

    def _clean_section(self, kind: Section.Kind) -> None:
        name = f"{kind}_text"
        if name in self.errors:
            return
        mine = self.section_text(kind)
        try:
            validate(mine.text)
            is_to_be_written(
                self.sections.get(kind),
                mine,
                self.version(kind),
                Section.history.filter(code=self.instance, kind=kind),
            )
        except ValidationError as error:
            self.add_error(name, error)
        except EditConflict as conflict:
            theirs = conflict.theirs if isinstance(conflict.theirs, Section) else None
            self._renew(f"{kind}_version", theirs.version if theirs else 0)
            self._show_conflict(name, theirs.text if theirs else "", mine.text, status=theirs.status if theirs else "")
            self.add_error(name, f"{self._who(Section, kind=kind)} {ADVICE}")

    def _clean_override(self) -> None:
        if "override_text" in self.errors:
            return
        text = self.cleaned_data.get("override_text", "")
        try:
            check_override(
                code=self.instance,
                row=self.override,
                text=text,
                reason=self.cleaned_data.get("override_reason", ""),
                version=self.version("override"),
            )
        except ValidationError as error:
            self.add_error("override_reason" if self.instance.descriptor_id else "override_text", error)
        except EditConflict as conflict:
            theirs = conflict.theirs if isinstance(conflict.theirs, DescriptorOverride) else None
            self._renew("override_version", override_version(self.instance))
            self._show_conflict("override_text", theirs.text if theirs else "", text)
            self.add_error("override_text", f"{self._who(DescriptorOverride)} {ADVICE}")

    def _renew(self, name: str, version: int) -> None:
        """Shown once, a conflict is decided by saving again: from here on the editor knows the newer version."""
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data[self.add_prefix(name)] = str(version)  # type: ignore[index]

    def _show_conflict(self, name: str, theirs: str, mine: str, *, status: str = "") -> None:
        widget = self.fields[name].widget
        assert isinstance(widget, TextEditor)  # noqa: S101 - tells the type checker
        widget.conflict = {"theirs": theirs, "status": status, "lines": compare(theirs, mine)}

    def _who(self, model: Any, **lookup: str) -> str:
        record = model.history.filter(code=self.instance, **lookup).select_related("history_user").first()
        who = str(record.history_user) if record and record.history_user else "An import"
        when = f" on {date_format(record.history_date, 'j F Y, H:i')} UTC" if record else ""
        return f"{who} saved another version{when}, after you had opened this page."

    # Saving

    def save_texts(self, user: AbstractBaseUser) -> None:
        """Write what was changed; the form was valid in this transaction, so no part is refused now."""
        code, reason = self.instance, self.cleaned_data["reason"]
        if self.wants_entry():
            save_entry(code=code, entry=self.entry_text(), version=self.version("entry"), user=user, reason=reason)
        for kind in Section.Kind:
            mine = self.section_text(kind)
            save_section(
                code=code,
                kind=kind,
                text=mine.text,
                status=mine.status,
                version=self.version(kind),
                user=user,
                reason=reason,
            )
        save_override(
            code=code,
            text=self.cleaned_data["override_text"],
            reason=self.cleaned_data["override_reason"],
            version=self.version("override"),
            user=user,
        )


ADVICE = "Yours is kept here and not saved yet. Join the two, then save again."


def _words(value: str | bool | datetime.date | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value or "nothing")
