import smtplib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connections, transaction

from codes import actions
from codes.actions import (
    REPORTS_PER_HOUR,
    EditConflict,
    EntryText,
    TooManyReports,
    override_version,
    publish,
    report_error,
    resolve_reports,
    save_entry,
    save_section,
)
from codes.models import Code, DescriptorOverride, Entry, ErrorReport, Section
from tests.factories import (
    CodeFactory,
    DescriptorFactory,
    EditorFactory,
    EntryFactory,
    ErrorReportFactory,
    SectionFactory,
)

pytestmark = pytest.mark.django_db

revert: Any = actions.revert  # what comes back is one of three, or nothing
save_override: Any = actions.save_override


def save(code: Code, text: str, version: int, **others: Any) -> Any:
    return save_section(code=code, kind="ncci", text=text, status="published", version=version, **others)


# --- Sections ---------------------------------------------------------------------------------------------------


def test_a_saved_section_is_rendered_and_remembers_who_and_why():
    editor = EditorFactory()
    section = save(CodeFactory(), "*New*", 0, user=editor, reason="New edits for 2027")
    assert section.html == "<p><em>New</em></p>\n"
    assert section.version == 1
    record = section.history.get()
    assert (record.history_user, record.history_change_reason) == (editor, "New edits for 2027")


def test_line_ends_and_blank_lines_around_a_text_are_tidied():
    assert save(CodeFactory(), "\r\n \n  one\r\ntwo \n\n", 0).text == "  one\ntwo"


def test_an_unchanged_section_is_not_written_again():
    section = SectionFactory(kind="ncci", text="Same")
    save(section.code, "Same\r\n", 1)
    section.refresh_from_db()
    assert section.version == 1
    assert section.history.count() == 1


def test_an_empty_text_begins_no_section():
    assert save(CodeFactory(), " \n", 0) is None
    assert not Section.objects.exists()


def test_whoever_saves_second_is_told_and_overwrites_nothing():
    section = SectionFactory(kind="ncci", text="Old")
    save(section.code, "Theirs", 1)
    with pytest.raises(EditConflict) as caught:
        save(section.code, "Mine", 1)
    assert getattr(caught.value.theirs, "text", None) == "Theirs"
    section.refresh_from_db()
    assert section.text == "Theirs"


def test_a_part_that_only_the_other_changed_is_no_conflict():
    section = SectionFactory(kind="ncci", text="Old")
    save(section.code, "Theirs", 1)
    assert save(section.code, "Old", 1).text == "Theirs"


def test_two_who_wrote_the_same_do_not_disagree():
    section = SectionFactory(kind="ncci", text="Old")
    save(section.code, "Same", 1)
    assert save(section.code, "Same", 1).version == 2


def test_two_who_begin_the_same_section_do_not_overwrite_each_other():
    code = CodeFactory()
    save(code, "Theirs", 0)
    with pytest.raises(EditConflict):
        save(code, "Mine", 0)


def test_a_section_that_is_gone_is_a_conflict_too():
    section = SectionFactory(kind="ncci", text="Old")
    section.delete()
    with pytest.raises(EditConflict) as caught:
        save(section.code, "Mine", 1)
    assert caught.value.theirs is None


def test_a_text_that_markdown_refuses_is_not_saved():
    with pytest.raises(ValidationError, match="“# ” is kept for the section's own title"):
        save(CodeFactory(), "# Title", 0)


def winners(attempt: Callable[[str], object]) -> int:
    """How many of eight, starting together on connections of their own, think that they have saved."""
    start = Barrier(8)

    def race(number: int) -> bool:
        try:
            start.wait()
            attempt(f"Text {number}")
        except EditConflict:
            return False
        else:
            return True
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(race, range(8)))


@pytest.mark.django_db(transaction=True)
def test_of_all_who_save_at_the_same_instant_exactly_one_wins():
    section = SectionFactory(kind="ncci", text="Old")
    assert winners(lambda text: save(section.code, text, 1)) == 1
    section.refresh_from_db()
    assert section.version == 2


@pytest.mark.django_db(transaction=True)
def test_of_all_who_begin_a_section_at_the_same_instant_exactly_one_wins():
    code = CodeFactory()
    assert winners(lambda text: save(code, text, 0)) == 1
    assert Section.objects.get().history.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_race_would_catch_a_check_without_a_lock():
    section = SectionFactory(kind="ncci", text="Old")

    def naive(text: str) -> None:
        row = Section.objects.get(pk=section.pk)
        if row.version != 1:
            raise EditConflict(row)
        time.sleep(0.2)
        row.text, row.version = text, 2
        row.save()

    assert winners(naive) > 1


@pytest.mark.django_db(transaction=True)
def test_two_who_save_the_same_sections_in_opposite_order_do_not_deadlock():
    first, second = SectionFactory(kind="ncci"), SectionFactory(kind="ncci")
    start = Barrier(2)

    def save_both(rows: tuple[Section, Section]) -> None:
        try:
            start.wait()
            with transaction.atomic():
                save(rows[0].code, f"Of {rows[0].pk} first", rows[0].version)
                time.sleep(0.1)
                save(rows[1].code, f"Of {rows[1].pk} second", rows[1].version)
        except EditConflict:
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(save_both, [(first, second), (second, first)]))
    assert {section.version for section in Section.objects.all()} == {2}


# --- Entries ----------------------------------------------------------------------------------------------------


def test_an_entry_is_saved_once_and_then_only_when_it_changes():
    code = CodeFactory()
    for _ in range(2):
        save_entry(code=code, entry=EntryText(title="Title", is_sample=True), version=code_version(code))
    assert Entry.objects.get().version == 1
    with pytest.raises(EditConflict):
        save_entry(code=code, entry=EntryText(title="Other"), version=0)


def code_version(code: Code) -> int:
    return Entry.objects.filter(code=code).values_list("version", flat=True).first() or 0


def test_a_title_that_is_too_long_is_refused():
    with pytest.raises(ValidationError):
        save_entry(code=CodeFactory(), entry=EntryText(title="x" * 161), version=0)


# --- Publishing -------------------------------------------------------------------------------------------------


def test_publishing_codes_publishes_their_drafts_that_hold_text():
    editor = EditorFactory()
    code, other = CodeFactory(), CodeFactory()
    draft = SectionFactory(code=code, kind="ncci", status="draft")
    SectionFactory(code=code, kind="payment", status="draft", text="")
    SectionFactory(code=code, kind="modifiers")
    SectionFactory(code=other, kind="ncci", status="draft")
    assert publish(codes=Code.objects.filter(pk=code.pk), user=editor) == [draft]
    draft.refresh_from_db()
    assert (draft.status, draft.version) == ("published", 2)
    newest = draft.history.first()
    assert (newest.history_user, newest.status, newest.version) == (editor, "published", 2)
    assert set(Section.objects.filter(status="draft").values_list("kind", flat=True)) == {"payment", "ncci"}


def test_unpublishing_makes_drafts_of_what_was_published():
    section = SectionFactory()
    publish(codes=[section.code], status="draft")
    section.refresh_from_db()
    assert section.status == "draft"


@pytest.mark.parametrize("codes", [1, 12])
def test_publishing_takes_the_same_number_of_queries_however_many_sections(codes, django_assert_max_num_queries):
    for _ in range(codes):
        SectionFactory(status="draft")
    with django_assert_max_num_queries(6):
        assert len(publish(codes=Code.objects.all())) == codes


# --- Editor's wordings ------------------------------------------------------------------------------------------


def test_a_wording_keeps_the_original_its_author_and_the_reason():
    editor = EditorFactory()
    descriptor = DescriptorFactory(long="Official")
    row = save_override(code=descriptor.code, text="Better", reason="Cut off", version=0, user=editor)
    assert (row.text, row.original, row.author, row.reason) == ("Better", "Official", editor, "Cut off")


def test_an_emptied_wording_shows_the_imported_text_again_and_stays_in_the_history():
    code = DescriptorFactory().code
    save_override(code=code, text="Better", reason="Cut off", version=0, user=None)
    assert save_override(code=code, text="", reason="", version=override_version(code), user=None) is None
    assert not DescriptorOverride.objects.exists()
    assert [record.history_type for record in DescriptorOverride.history.all()] == ["-", "+"]


def test_a_wording_needs_a_reason_and_something_to_reword():
    with pytest.raises(ValidationError, match="Say why"):
        save_override(code=DescriptorFactory().code, text="Better", reason=" ", version=0, user=None)
    with pytest.raises(ValidationError, match="no imported text"):
        save_override(code=CodeFactory(), text="Better", reason="Cut off", version=0, user=None)


def test_two_wordings_of_one_code_conflict_and_untouched_ones_do_not():
    code = DescriptorFactory().code
    save_override(code=code, text="Theirs", reason="a", version=0, user=None)
    with pytest.raises(EditConflict):
        save_override(code=code, text="Mine", reason="b", version=0, user=None)
    assert save_override(code=code, text="", reason="", version=0, user=None).text == "Theirs"


# --- Revert -----------------------------------------------------------------------------------------------------


def test_an_older_text_comes_back_as_a_new_version_and_keeps_the_status():
    editor = EditorFactory()
    section = SectionFactory(kind="ncci", text="First", status="draft")
    save(section.code, "Second", 1)
    revert(record=section.history.last(), version=2, user=editor)
    section.refresh_from_db()
    assert (section.text, section.status, section.version) == ("First", "published", 3)
    assert section.html == "<p>First</p>\n"
    newest = section.history.first()
    assert newest.history_user == editor
    assert newest.history_change_reason.startswith("Reverted to the version of ")


def test_a_removed_section_comes_back_as_a_draft():
    section = SectionFactory(kind="ncci", text="First")
    record = section.history.get()
    code = section.code
    section.delete()
    assert revert(record=record, version=0, user=None).status == "draft"
    assert Section.objects.get(code=code).version == 2


def test_an_older_title_and_an_older_wording_come_back():
    entry = EntryFactory(title="First")
    save_entry(code=entry.code, entry=EntryText(title="Second"), version=1)
    assert revert(record=entry.history.last(), version=2, user=None).title == "First"
    code = DescriptorFactory().code
    row = save_override(code=code, text="First", reason="a", version=0, user=None)
    save_override(code=code, text="Second", reason="b", version=override_version(code), user=None)
    assert revert(record=row.history.last(), version=override_version(code), user=None).text == "First"


def test_nothing_is_reverted_over_an_edit_made_meanwhile():
    section = SectionFactory(kind="ncci", text="First")
    save(section.code, "Second", 1)
    save(section.code, "Third", 2)
    with pytest.raises(EditConflict):
        revert(record=section.history.last(), version=2, user=None)


# --- Error reports ----------------------------------------------------------------------------------------------


def report(**others: Any) -> Any:
    return report_error(**{"path": "/cpt/38570/", "message": "Wrong figure", "caller": "192.0.2.1", **others})


def test_a_report_is_stored_and_mailed_once_it_is(settings, django_capture_on_commit_callbacks):
    settings.OPERATOR_EMAIL = "editors@example.com"
    code = CodeFactory(code="38570")
    with django_capture_on_commit_callbacks(execute=True):
        stored = report(code=code, email="reader@example.com")
        assert mail.outbox == []
    assert ErrorReport.objects.get() == stored
    message = mail.outbox[0]
    assert message.to == ["editors@example.com"]
    assert message.reply_to == ["reader@example.com"]
    assert message.subject == "Error reported on /cpt/38570/"
    assert f"/admin/codes/errorreport/{stored.pk}/change/" in message.body


def test_a_dead_mail_server_loses_no_report(django_capture_on_commit_callbacks, caplog):
    with (
        mock.patch("codes.actions.EmailMessage.send", side_effect=smtplib.SMTPServerDisconnected),
        django_capture_on_commit_callbacks(execute=True),
    ):
        report()
    assert ErrorReport.objects.count() == 1
    assert "SMTPServerDisconnected" in caplog.text


def test_line_breaks_cannot_be_smuggled_into_the_subject(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        report(path="/x\r\nBcc: all@example.com")
    assert mail.outbox[0].subject == "Error reported on /x Bcc: all@example.com"


def test_one_caller_may_report_so_often_in_an_hour_and_others_are_not_hindered():
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False):
        for _ in range(REPORTS_PER_HOUR):
            report()
        with pytest.raises(TooManyReports):
            report()
        report(caller="192.0.2.2")
    with time_machine.travel("2026-11-22T11:00:00Z", tick=False):
        report()
    assert ErrorReport.objects.count() == REPORTS_PER_HOUR + 2


def test_a_report_without_words_or_with_a_bad_address_is_refused():
    for bad in ({"message": " \0 "}, {"email": "nobody"}):
        with pytest.raises(ValidationError):
            report(**bad)
    assert not ErrorReport.objects.exists()


def test_reports_are_resolved_by_somebody_and_can_be_opened_again():
    editor = EditorFactory()
    first, second = ErrorReportFactory(), ErrorReportFactory()
    assert resolve_reports(reports=[first, second], user=editor) == 2
    assert resolve_reports(reports=[first], user=editor) == 0
    first.refresh_from_db()
    assert first.resolved_by == editor
    assert resolve_reports(reports=[first], user=editor, resolved=False) == 1
    first.refresh_from_db()
    assert (first.resolved_at, first.resolved_by) == (None, None)
