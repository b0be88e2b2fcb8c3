"""The editing screen and the lists, as guests, readers, editors and operators meet them."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from codes.actions import save_section
from codes.models import Code, DescriptorOverride, Entry, ErrorReport, Section
from tests.factories import (
    CodeFactory,
    DescriptorFactory,
    DescriptorOverrideFactory,
    EditionFactory,
    EditorFactory,
    EntryFactory,
    ErrorReportFactory,
    HcpcsRecordFactory,
    SectionFactory,
    SuperuserFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/codes/code/"


@pytest.fixture
def editor():
    return EditorFactory(email="editor@example.com")


@pytest.fixture
def client(client, editor):
    """An editor, unless a test logs in as somebody else."""
    client.force_login(editor)
    return client


@pytest.fixture
def code():
    code = CodeFactory(code="38570")
    EntryFactory(code=code, title="Keyhole biopsy", sample_descriptor="Our line")
    SectionFactory(code=code, kind="description", text="What it is.")
    SectionFactory(code=code, kind="ncci", text="Pairs.", status="draft")
    return code


def screen(code: Code) -> str:
    return reverse("admin:codes_code_change", args=[code.pk])


def form_of(client: Client, code: Code) -> dict[str, Any]:
    """What the browser would send back, untouched."""
    form = client.get(screen(code)).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in data.items() if value not in (None, False)}


def save(client: Client, code: Code, form: dict[str, Any] | None = None, **changes: Any) -> Any:
    form = form_of(client, code) if form is None else form
    return client.post(screen(code), {**form, **changes, "_save": "Save"})


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


# --- Who may do what --------------------------------------------------------------------------------------------


def doors(code: Code) -> list[tuple[str, str]]:
    return [
        ("get", LIST),
        ("get", screen(code)),
        ("post", screen(code)),
        ("get", reverse("admin:codes_code_history", args=[code.pk])),
        ("post", reverse("admin:codes_code_preview")),
        ("post", reverse("admin:codes_code_revert", args=[code.pk])),
        ("get", reverse("admin:codes_errorreport_changelist")),
        ("get", reverse("admin:codes_descriptoroverride_changelist")),
        ("get", reverse("admin:codes_codesystem_changelist")),
    ]


def test_guests_and_readers_are_sent_to_the_log_in_screen(code):
    for client in [Client(), Client()]:
        for method, url in doors(code):
            response = getattr(client, method)(url)
            assert response.status_code == 302, url
            assert "/login/" in response.url
        client.force_login(UserFactory())


def test_staff_without_rights_see_nothing(code):
    client = Client()
    client.force_login(UserFactory(is_staff=True))
    for method, url in doors(code):
        assert getattr(client, method)(url).status_code == 403, url
    assert b"Codes" not in client.get("/admin/").content


def test_staff_who_may_only_look_see_the_texts_and_no_form(code):
    viewer = UserFactory(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_code"))
    client = Client()
    client.force_login(viewer)
    response = client.get(screen(code))
    assert "What it is." in response.content.decode()
    assert b"<textarea" not in response.content
    assert client.post(screen(code), {"title": "x"}).status_code == 403
    assert client.post(reverse("admin:codes_code_preview"), {"text": "x"}).status_code == 403
    assert client.get(reverse("admin:codes_code_history", args=[code.pk])).status_code == 200


def test_editors_may_open_everything_of_theirs(client, code):
    for method, url in doors(code):
        if method == "get":
            assert client.get(url).status_code == 200, url


def test_nobody_may_add_change_or_delete_what_imports_own(code):
    client = Client()
    client.force_login(SuperuserFactory())
    assert client.get("/admin/codes/code/add/").status_code == 403
    assert client.get(f"/admin/codes/code/{code.pk}/delete/").status_code == 403
    before = Code.objects.filter(pk=code.pk).values().get()
    forged = {"code": "99999", "position": "1", "terminated_on": "2020-01-01", "title": "New title"}
    save(client, code, {**form_of(client, code), **forged})
    assert Code.objects.filter(pk=code.pk).values().get() == before
    assert Entry.objects.get().title == "New title"


def test_the_editors_group_has_no_right_over_accounts_or_imported_rows():
    rights = set(Group.objects.get(name="Editors").permissions.values_list("content_type__app_label", "codename"))
    assert ("codes", "change_section") in rights
    assert {right for right in rights if right[0] == "accounts"} == set()
    assert {name for app, name in rights if app == "codes" and not name.startswith("view_")} == {
        *("add_entry", "change_entry", "add_section", "change_section", "change_errorreport"),
        *("add_descriptoroverride", "change_descriptoroverride", "delete_descriptoroverride"),
    }
    assert {name for app, name in rights if app == "releases" and not name.startswith("view_")} == set()


# --- The editing screen -----------------------------------------------------------------------------------------


def test_all_eight_sections_are_offered_whether_they_exist_or_not(client, code):
    page = client.get(screen(code)).content.decode()
    for kind in Section.Kind:
        assert f'name="{kind}_text"' in page
        assert f"{kind.label}</h2>" in page
    assert "What it is." in page
    assert "Pairs." in page


def test_saving_changes_what_was_changed_and_nothing_else(client, editor, code):
    response = save(
        client, code, ncci_text="Pairs, *all*.", ncci_status="published", payment_text="Fees.", reason="July"
    )
    assert response.status_code == 302
    sections = {section.kind: section for section in code.sections.all()}
    assert sections["ncci"].html == "<p>Pairs, <em>all</em>.</p>\n"
    assert (sections["ncci"].status, sections["ncci"].version) == ("published", 2)
    assert (sections["payment"].status, sections["payment"].version) == ("draft", 1)
    assert sections["description"].version == 1
    assert set(sections) == {"description", "ncci", "payment"}
    record = sections["ncci"].history.first()
    assert (record.history_user, record.history_change_reason) == (editor, "July")


def test_saving_an_untouched_form_writes_nothing(client, code):
    before = [list(model.history.values_list("history_id")) for model in (Entry, Section)]
    assert save(client, code).status_code == 302
    assert [list(model.history.values_list("history_id")) for model in (Entry, Section)] == before


def test_a_reader_sees_what_an_editor_saved(client, code):
    save(client, code, description_text="Edited in the **admin**.")
    assert "Edited in the <strong>admin</strong>." in Client().get("/cpt/38570/").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("ncci_text", "# Title", "Line 1: “# ” is kept for the section's own title"),
        ("ncci_text", "a\0b", "Null characters are not allowed."),
        ("ncci_text", "x" * 50_001, "at most 50,000 fit"),
        ("ncci_text", "[x](javascript:alert(1))", "is not allowed"),
        ("ncci_status", "deleted", "is not one of the available choices"),
        ("ncci_version", "-1", "greater than or equal to 0"),
        ("ncci_version", "9" * 30, "less than or equal to"),
        ("ncci_version", "x", "Enter a whole number."),
        ("title", "", "Write the plain title."),
        ("title", "x" * 161, "at most 160 characters"),
        ("reviewed_on", "2026-02-30", "Enter a valid date."),
        ("override_text", "Mine", "There is no imported text to reword."),
        ("reason", "x" * 101, "at most 100 characters"),
    ],
)
def test_bad_input_is_named_at_its_field_and_nothing_is_saved(client, code, field, value, message):
    form = {**form_of(client, code), "payment_text": "Kept on the screen", field: value}
    response = save(client, code, form)
    assert message in " ".join(errors_of(response)[field])
    assert "Kept on the screen" in response.content.decode()
    assert not Section.objects.filter(kind="payment").exists()


def test_script_in_markdown_reaches_no_reader(client, code):
    save(client, code, description_text="<script>alert(1)</script> <img src=x onerror=alert(1)>")
    html = Section.objects.get(kind="description").html
    assert "<script" not in html
    assert "<img" not in html
    assert "<script>alert" not in client.get(screen(code)).content.decode()


def test_a_form_that_lost_most_of_its_fields_erases_nothing(client, code):
    client.post(screen(code), {"title": "Keyhole biopsy", "entry_version": "1", "_save": "Save"})
    assert set(code.sections.values_list("kind", "text")) == {("description", "What it is."), ("ncci", "Pairs.")}


def test_a_form_beyond_any_size_is_refused(client, code):
    response = save(client, code, ncci_text="x" * 3_000_000)
    assert response.status_code == 400


@pytest.mark.parametrize("descriptors", [1, 12])
def test_the_screen_costs_the_same_however_many_editions_there_are(client, descriptors, django_assert_max_num_queries):
    code = CodeFactory(system__slug="hcpcs", code="G0105", described=True, sections=7)
    for year in range(descriptors):
        edition = EditionFactory(label=f"{2010 + year}", is_current=False)
        DescriptorFactory(code=code, edition=edition, is_current=year == 0)
        HcpcsRecordFactory(code=code, edition=edition, betos="P8D", pricing_indicators=["13", "21"])
    with django_assert_max_num_queries(20):
        page = client.get(screen(code)).content.decode()
    assert "P8D" in page
    assert "13, 21" in page


# --- Two editors at once ----------------------------------------------------------------------------------------


def theirs(code: Code, text: str, kind: str = "ncci") -> None:
    now = Section.objects.filter(code=code, kind=kind).first()
    other, _ = type(EditorFactory()).objects.get_or_create(email="other@example.com")
    save_section(code=code, kind=kind, text=text, status="published", version=now.version if now else 0, user=other)


def test_a_conflict_keeps_my_text_shows_theirs_and_saves_nothing(client, code):
    form = form_of(client, code)
    theirs(code, "Pairs of July.")
    response = save(client, code, form, ncci_text="Pairs of mine.", title="New title")
    assert "other@example.com saved another version on" in errors_of(response)["ncci_text"][0]
    page = response.content.decode()
    assert "Pairs of mine.</textarea>" in page
    assert re.search(r"<del>.*<b>July</b>", page)
    assert re.search(r"<ins>.*<b>mine</b>", page)
    assert Section.objects.get(kind="ncci").text == "Pairs of July."
    assert Entry.objects.get().title == "Keyhole biopsy"


def test_after_a_conflict_saving_again_is_a_decision(client, code):
    form = form_of(client, code)
    theirs(code, "Pairs of July.")
    answer = save(client, code, form, ncci_text="Pairs of mine.").context["adminform"].form
    again = {name: value for name in answer.fields if (value := answer[name].value()) not in (None, False)}
    assert save(client, code, again).status_code == 302
    assert Section.objects.get(kind="ncci").text == "Pairs of mine."


def test_a_third_edit_during_the_decision_is_a_conflict_again(client, code):
    form = form_of(client, code)
    theirs(code, "Pairs of July.")
    answer = save(client, code, form, ncci_text="Pairs of mine.").context["adminform"].form
    again = {name: value for name in answer.fields if (value := answer[name].value()) not in (None, False)}
    theirs(code, "Pairs of August.")
    assert "ncci_text" in errors_of(save(client, code, again))


def test_editors_of_different_sections_do_not_hinder_each_other(client, code):
    form = form_of(client, code)
    theirs(code, "Pairs of July.")
    theirs(code, "Begun by them.", kind="payment")
    assert save(client, code, form, description_text="Mine.").status_code == 302
    assert dict(code.sections.values_list("kind", "text")) == {
        "description": "Mine.",
        "ncci": "Pairs of July.",
        "payment": "Begun by them.",
    }


def test_a_section_that_both_began_is_a_conflict(client, code):
    form = form_of(client, code)
    theirs(code, "Begun by them.", kind="payment")
    assert "payment_text" in errors_of(save(client, code, form, payment_text="Begun by me."))


def test_a_conflict_over_the_title_says_what_it_is_now(client, code):
    form = form_of(client, code)
    save(client, code, title="Their title")
    response = save(client, code, form, title="My title")
    assert "It now says “Their title”." in errors_of(response)["title"][0]
    assert Entry.objects.get().title == "Their title"


# --- The editor's wording ---------------------------------------------------------------------------------------


@pytest.fixture
def imported():
    return DescriptorFactory(long="Official text").code


def test_an_editor_rewords_an_imported_text_and_takes_it_back(client, editor, imported):
    assert save(client, imported, override_text="Better").status_code == 200  # no reason given
    assert save(client, imported, override_text="Better", override_reason="Cut off").status_code == 302
    override = DescriptorOverride.objects.get()
    assert (override.text, override.author, override.original) == ("Better", editor, "Official text")
    page = client.get(reverse("admin:codes_descriptoroverride_changelist")).content.decode()
    assert "Cut off" in page
    assert save(client, imported, override_text="", override_reason="").status_code == 302
    assert not DescriptorOverride.objects.exists()


def test_two_editors_who_reword_one_text_do_not_overwrite_each_other(client, imported):
    form = form_of(client, imported)
    save(client, imported, override_text="Theirs", override_reason="a")
    response = save(client, imported, form, override_text="Mine", override_reason="b")
    assert "saved another version" in errors_of(response)["override_text"][0]
    assert DescriptorOverride.objects.get().text == "Theirs"


# --- Preview ----------------------------------------------------------------------------------------------------


def test_the_script_gets_a_fragment_and_a_browser_without_scripts_a_page(client):
    url = reverse("admin:codes_code_preview")
    fragment = client.post(url, {"preview": "text", "text": "*a*"}, headers={"X-Fragment": "1"}).content.decode()
    assert fragment.strip() == "<p><em>a</em></p>"
    page = client.post(url, {"preview": "ncci_text", "ncci_text": "*b*", "payment_text": "no"}).content.decode()
    assert "<p><em>b</em></p>" in page
    assert "Nothing is saved yet." in page
    assert not Section.objects.exists()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "\0", "x" * 60_000, ""])
def test_a_preview_is_as_safe_as_the_page_and_survives_anything(client, text):
    response = client.post(
        reverse("admin:codes_code_preview"), {"preview": "text", "text": text}, headers={"X-Fragment": "1"}
    )
    assert response.status_code == 200
    assert "<script" not in response.content.decode()
    assert "href" not in response.content.decode()


def test_a_preview_is_asked_for_by_post_with_a_token(editor):
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    url = reverse("admin:codes_code_preview")
    assert client.get(url).status_code == 405
    assert client.post(url, {"preview": "text", "text": "x"}).status_code == 403


# --- History ----------------------------------------------------------------------------------------------------


def history(code: Code) -> str:
    return reverse("admin:codes_code_history", args=[code.pk])


def test_the_history_says_who_changed_what_when_and_why(client, code):
    save(client, code, ncci_text="Pairs of July.", reason="New quarter")
    page = client.get(history(code)).content.decode()
    assert "editor@example.com" in page
    assert "<q>New quarter</q>" in page
    assert re.search(r"<ins>Pairs<b> of July</b>\.</ins>", page)


def test_an_older_version_comes_back_by_its_button(client, editor, code):
    save(client, code, ncci_text="Second.")
    first = client.get(history(code)).context["versions"]
    row = next(row for row in first if row.version.part == "section ncci" and not row.version.is_newest)
    url = reverse("admin:codes_code_revert", args=[code.pk])
    response = client.post(url, {"version": row.version.key, "now": row.version.now}, follow=True)
    assert "NCCI edits is back at an earlier version." in response.content.decode()
    section = Section.objects.get(kind="ncci")
    assert (section.text, section.version) == ("Pairs.", 3)
    assert section.history.first().history_user == editor


def test_a_button_of_an_old_page_reverts_nothing_over_a_newer_edit(client, code):
    save(client, code, ncci_text="Second.")
    rows = client.get(history(code)).context["versions"]
    row = next(row for row in rows if row.version.part == "section ncci" and not row.version.is_newest)
    theirs(code, "Third.")
    url = reverse("admin:codes_code_revert", args=[code.pk])
    response = client.post(url, {"version": row.version.key, "now": row.version.now}, follow=True)
    assert "Somebody saved another version meanwhile." in response.content.decode()
    assert Section.objects.get(kind="ncci").text == "Third."


def test_a_version_of_another_code_or_of_nothing_is_not_found(client, code):
    other = SectionFactory().history.get()
    url = reverse("admin:codes_code_revert", args=[code.pk])
    for key in [f"section:{other.history_id}", "section:0", "nonsense", "", "\0", "section:" + "9" * 40]:
        assert client.post(url, {"version": key, "now": "1"}).status_code == 404
    assert client.get(url).status_code == 405
    assert client.get("/admin/codes/code/999999/history/").status_code == 404


@pytest.mark.parametrize("now", ["", "x", "-1", "9" * 40])
def test_a_revert_that_does_not_say_what_it_replaces_does_nothing(client, code, now):
    theirs(code, "Second.")
    key = f"section:{Section.history.filter(kind='ncci').last().history_id}"
    client.post(reverse("admin:codes_code_revert", args=[code.pk]), {"version": key, "now": now})
    assert Section.objects.get(kind="ncci").text == "Second."


@pytest.mark.parametrize("versions", [2, 40])
def test_the_history_costs_the_same_however_long_it_is(client, code, versions, django_assert_max_num_queries):
    for number in range(versions):
        theirs(code, f"Version {number}")
    with django_assert_max_num_queries(18):
        assert client.get(history(code)).status_code == 200
    assert client.get(history(code), {"p": "99"}).status_code == 200


# --- The list ---------------------------------------------------------------------------------------------------


def listed(client: Client, **query: str) -> set[str]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return {code.code for code in response.context["cl"].result_list}


def test_codes_are_found_by_number_title_official_text_and_section_text(client, code):
    DescriptorFactory(code=CodeFactory(system__slug="hcpcs", code="G0105"), long="Colorectal cancer screening")
    assert listed(client, q="3857") == {"38570"}
    assert listed(client, q="g01") == {"G0105"}
    assert listed(client, q="KEYHOLE biopsy") == {"38570"}
    assert listed(client, q="colorectal") == {"G0105"}
    assert listed(client, q="pairs") == {"38570"}
    assert listed(client, q="keyhole colorectal") == set()
    assert listed(client, q="%") == set()
    assert listed(client, q="' \"") == set()
    assert client.get(LIST, {"q": "\0"}).status_code == 200


def test_of_a_whole_page_pasted_into_the_search_the_first_words_count(client, code):
    """Each word costs four searches: a thousand of them kept the database busy for minutes."""
    assert listed(client, q="keyhole " * 12 + "zebra " * 500) == {"38570"}
    assert listed(client, q="keyhole " * 11 + "zebra " * 500) == set()


def test_codes_are_filtered_by_what_an_editor_looks_for(client, code):
    Entry.objects.update(is_sample=True)
    CodeFactory(code="00001", terminated_on="2020-12-31")
    CodeFactory(code="00002", added_on="2999-01-01")
    assert listed(client, texts="draft") == {"38570"}
    assert listed(client, texts="described") == {"38570"}
    assert listed(client, texts="missing") == {"00001", "00002"}
    assert listed(client, sample="1") == {"38570"}
    assert listed(client, sample="0") == set()
    assert listed(client, validity="terminated") == {"00001"}
    assert listed(client, validity="future") == {"00002"}
    assert listed(client, validity="current") == {"38570"}
    assert listed(client, system__id__exact=str(code.system_id)) == {"38570", "00001", "00002"}


@pytest.mark.parametrize("codes", [1, 12])
def test_the_list_costs_the_same_however_long_it_is(client, codes, django_assert_max_num_queries):
    for _ in range(codes):
        CodeFactory(described=True, sections=3)
    with django_assert_max_num_queries(12):
        client.get(LIST)


def act(client: Client, code: Code, action: str, **others: str) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [code.pk], **others}, follow=True)


def test_drafts_are_published_in_bulk_after_a_confirmation(client, code):
    asked = act(client, code, "publish_drafts").content.decode()
    assert "Readers will see 1 section:" in asked
    assert "CPT® 38570 – NCCI edits" in asked
    assert Section.objects.get(kind="ncci").status == "draft"
    assert "Published 1 sections of 1 codes." in act(client, code, "publish_drafts", confirmed="1").content.decode()
    assert Section.objects.get(kind="ncci").status == "published"


def test_texts_are_withdrawn_in_bulk_after_a_confirmation(client, code):
    assert "no longer see 1 section" in act(client, code, "withdraw").content.decode()
    act(client, code, "withdraw", confirmed="1")
    assert not Section.objects.filter(status="published").exists()
    assert "None of the selected codes has a published text." in act(client, code, "withdraw").content.decode()


# --- Error reports ----------------------------------------------------------------------------------------------


def test_reports_lead_to_the_page_and_to_the_editing_screen(client, code):
    report = ErrorReportFactory(code=code, message="<b>Wrong</b>")
    page = client.get(reverse("admin:codes_errorreport_change", args=[report.pk])).content.decode()
    assert 'href="/cpt/38570/"' in page
    assert f'href="{screen(code)}"' in page
    assert "<b>Wrong</b>" not in page


def test_reports_are_resolved_and_opened_again_by_editors(client, editor):
    report = ErrorReportFactory()
    url = reverse("admin:codes_errorreport_changelist")
    client.post(url, {"action": "resolve", "_selected_action": [report.pk]})
    report.refresh_from_db()
    assert report.resolved_by == editor
    assert str(report.path) in client.get(url, {"state": "resolved"}).content.decode()
    assert str(report.path) not in client.get(url, {"state": "open"}).content.decode()
    client.post(url, {"action": "reopen", "_selected_action": [report.pk]})
    assert ErrorReport.objects.get().resolved_at is None


def test_a_report_whose_path_is_no_path_makes_no_link_elsewhere(client):
    report = ErrorReportFactory(path="javascript:alert(1)")
    page = client.get(reverse("admin:codes_errorreport_change", args=[report.pk])).content.decode()
    assert 'href="javascript' not in page


def test_a_wording_whose_original_has_changed_is_marked(client, imported):
    DescriptorOverrideFactory(code=imported, original="Official text")
    changed = DescriptorFactory(long="New").code
    DescriptorOverrideFactory(code=changed, original="Old")
    page = client.get(reverse("admin:codes_descriptoroverride_changelist")).content.decode()
    assert page.count('alt="True"') == 1


# --- The policy -------------------------------------------------------------------------------------------------


def test_no_screen_of_editors_needs_inline_script_or_style(client, code):
    theirs(code, "Second.")
    for method, url in doors(code):
        if method == "get":
            response = client.get(url)
            page = response.content.decode()
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert "unsafe" not in response.headers["Content-Security-Policy"]
            assert not re.search(r"<script(?![^>]*(\ssrc=|application/json))", page), url
            assert not re.search(r"<[^>]+\s(style|on\w+)=", page), url
