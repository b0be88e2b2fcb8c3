"""What an import of HCPCS does to the codes: one edition after the other, back and forth."""

import datetime
from pathlib import Path

import pytest

from codes.models import Code, Descriptor, HcpcsRecord, Heading
from releases.actions import import_release, publish_release
from releases.importers import ReleaseError
from releases.models import Edition, Source
from releases.reports import GroupReport, ImportReport
from tests.codes.imports.files import Record, anweb, comma_separated, table, workbook
from tests.factories import CodeFactory, DescriptorOverrideFactory, EntryFactory, SectionFactory

pytestmark = pytest.mark.django_db

A = Record("A0001", long="First", short="First")
B = Record("B0001", long="Second", short="Second")
LT = Record("LT", long="Left side", short="Left side")
ENDED = Record("B0001", long="Second", short="Second", terminated="20181231", changed="20190101", xrefs=["A0001"])


@pytest.fixture
def bring(tmp_path: Path):
    """Imports a file that is written on the spot."""

    def do(name: str, data: bytes, **options: object) -> ImportReport:
        path = tmp_path / name
        path.write_bytes(data)
        return import_release(source=Source.objects.get(slug="hcpcs"), places=[str(path)], **options)  # type: ignore[arg-type]

    return do


def code(name: str) -> Code:
    return Code.objects.select_related("descriptor", "delisted_in", "system").get(
        code=name, system__source__slug="hcpcs"
    )


def text_of(name: str) -> str | None:
    return Code.objects.values_list("descriptor__long", flat=True).get(code=name, system__slug="hcpcs")


def current_columns() -> list[tuple[object, ...]]:
    """Everything that says what is current, without the keys of rows that were written again."""
    return list(
        Code.objects.filter(system__source__slug="hcpcs")
        .order_by("system", "code")
        .values_list(
            "code", "added_on", "changed_on", "terminated_on", "successors",
            "descriptor__edition__label", "descriptor__long", "delisted_in__label",
        )
    )  # fmt: skip


def groups(report: ImportReport) -> dict[str, GroupReport]:
    return {group.name: group for group in report.groups}


def test_the_first_edition_becomes_current_with_its_text_and_dates(bring) -> None:
    report = bring("HCPC2018_ANWEB.txt", anweb(LT, A))
    assert text_of("A0001") == "First"
    assert Descriptor.objects.get(code__code="A0001").line == 5
    assert code("A0001").added_on == datetime.date(2010, 1, 1)
    assert code("A0001").successors == []
    assert code("LT").system.slug == "hcpcs-modifier"
    assert Edition.objects.get().is_current
    assert report.predecessor is None
    assert [group.rows for group in report.groups] == [1, 1]
    assert Edition.objects.get().report == report.as_json()


def test_the_next_edition_reports_each_kind_of_change(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(LT, A, B, Record("B0002"), Record("B0003")))
    changed = Record("A0001", long="First, reworded", short="First", coverage="D")
    report = bring("HCPC2019_ANWEB.txt", anweb(LT, changed, ENDED, Record("B0002"), Record("C0001")))
    codes = groups(report)["codes"]
    assert report.predecessor == "2018"
    assert (codes.added, codes.changed, codes.unchanged) == (1, 2, 1)
    assert (codes.no_longer_listed, codes.newly_terminated) == (1, 1)
    assert codes.reworded == {"long descriptions": 1, "short descriptions": 0}
    assert codes.by_column == {"coverage": 1, "cross references": 1, "changed on": 1, "terminated on": 1}
    assert codes.names["no_longer_listed"] == ["B0003"]
    assert codes.names["newly_terminated"] == ["B0001"]
    assert groups(report)["modifiers"].unchanged == 1


def test_no_longer_listed_is_not_terminated(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    bring("HCPC2019_ANWEB.txt", anweb(A))
    assert code("B0001").terminated_on is None
    assert str(code("B0001").delisted_in) == "HCPCS Level II 2019"
    assert text_of("B0001") == "Second"


def test_a_code_that_is_listed_again_is_listed(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    bring("HCPC2019_ANWEB.txt", anweb(A))
    bring("HCPC2020_ANWEB.txt", anweb(A, B, Record("B0002")))
    assert code("B0001").delisted_in is None


def test_successors_of_a_terminated_code_are_its_cross_references(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A, ENDED, Record("B0002", terminated="20181231")))
    assert code("B0001").successors == ["A0001"]
    assert code("B0002").successors == []


def test_a_cross_reference_of_a_code_in_force_is_no_successor(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(Record("A0001", xrefs=["B0001"])))
    assert code("A0001").successors == []
    assert HcpcsRecord.objects.get().cross_references == ["B0001"]


def test_a_form_that_lacks_columns_blanks_nothing_that_was_known(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(LT, A, ENDED, Record("B0002")))
    report = bring("hcpcs_2026Q1.csv", comma_separated(A, B, Record("B0002", terminated="20251231")))
    assert code("LT").delisted_in is None
    assert code("A0001").changed_on == datetime.date(2010, 1, 1)
    assert [group.name for group in report.groups] == ["codes"]
    assert "cross_references" in Edition.objects.get(label="2026Q1").lacks
    assert HcpcsRecord.objects.get(code=code("A0001"), edition__label="2026Q1").betos is None


def test_what_a_form_cannot_tell_of_a_newly_terminated_code_is_unknown_not_none(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A, ENDED))
    bring("hcpcs_2026Q1.csv", comma_separated(Record("A0001", terminated="20251231"), ENDED))
    assert code("A0001").successors is None
    assert code("B0001").successors == ["A0001"]


def test_columns_that_one_of_two_editions_lacks_are_not_compared(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A))
    codes = groups(bring("hcpcs_2026Q1.csv", comma_separated(A)))["codes"]
    assert (codes.changed, codes.unchanged) == (0, 1)


def test_the_same_bytes_change_nothing(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A))
    before = current_columns(), list(Edition.objects.values()), Descriptor.objects.count()
    with pytest.raises(ReleaseError, match="HCPCS Level II 2019 is already imported: the same bytes"):
        bring("HCPC2019_ANWEB.txt", anweb(A))
    assert before == (current_columns(), list(Edition.objects.values()), Descriptor.objects.count())


def test_the_other_form_of_an_edition_without_differences_changes_nothing(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(LT, A))
    with pytest.raises(ReleaseError, match=r"already imported from other bytes; differences: none\. Nothing changed\."):
        bring("HCPC2019_ANWEB.xlsx", workbook(table(LT, A)))
    assert Edition.objects.count() == 1


def test_a_richer_form_of_an_edition_is_offered(bring) -> None:
    bring("hcpcs_2026Q1.csv", comma_separated(A))
    with pytest.raises(ReleaseError, match=r"differences: none.*also has: modifiers, .*cross references.*--replace"):
        bring("HCPC2026_JAN_ANWEB.txt", anweb(LT, A))


def test_other_content_for_an_edition_is_refused_with_the_differences(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A, B))
    corrected = anweb(Record("A0001", long="Corrected", short="First"), B)
    with pytest.raises(ReleaseError, match=r"Differences: 1 codes changed \(A0001: long descriptions\).*--replace"):
        bring("HCPC2019_corrected_ANWEB.txt", corrected)
    assert text_of("A0001") == "First"


def test_a_correction_replaces_an_edition_on_request(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    bring("HCPC2019_ANWEB.txt", anweb(A, B, Record("B0002")))
    bring("HCPC2019_ANWEB_v2.txt", anweb(Record("A0001", long="Corrected", short="First"), B), replace=True)
    assert text_of("A0001") == "Corrected"
    assert code("B0002").descriptor is None
    assert Edition.objects.count() == 2
    assert Edition.objects.get(label="2019").files.get().name == "HCPC2019_ANWEB_v2.txt"


def test_an_older_edition_is_stored_and_touches_nothing_that_is_current(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A, ENDED))
    before = current_columns()
    report = bring("HCPC2018_ANWEB.txt", anweb(Record("A0001", long="Old", short="Old"), B))
    assert current_columns() == before
    assert report.outcome.startswith("Stored. 2018 is older. 2019 stays the current edition")
    assert Edition.objects.get(is_current=True).label == "2019"
    assert HcpcsRecord.objects.filter(edition__label="2018").count() == 2


def test_a_code_that_only_an_older_edition_has_is_no_longer_listed(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A))
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    assert str(code("B0001").delisted_in) == "HCPCS Level II 2019"
    assert text_of("B0001") == "Second"


def test_editions_give_the_same_codes_in_whatever_order_they_come(bring) -> None:
    old, new = anweb(A, B, Record("B0002")), anweb(Record("A0001", long="New", short="New"), ENDED)
    bring("HCPC2018_ANWEB.txt", old, accept_removals=True)
    bring("HCPC2019_ANWEB.txt", new, accept_removals=True)
    in_order = current_columns()
    Edition.objects.update(is_current=False)
    Code.objects.filter(system__source__slug="hcpcs").update(descriptor=None, delisted_in=None)
    Edition.objects.all().delete()
    Code.objects.filter(system__source__slug="hcpcs").delete()
    bring("HCPC2019_ANWEB.txt", new)
    bring("HCPC2018_ANWEB.txt", old)
    assert current_columns() == in_order


def test_going_back_to_an_edition_and_forth_again_changes_nothing(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    at_2018 = current_columns()
    bring("HCPC2019_ANWEB.txt", anweb(Record("A0001", long="New", short="New"), ENDED, Record("C0001")))
    at_2019 = current_columns()
    source = Source.objects.get(slug="hcpcs")
    publish_release(source=source, label="2018")
    assert [row for row in current_columns() if row[0] != "C0001"] == at_2018
    assert code("C0001").descriptor is None
    assert code("C0001").added_on is None
    publish_release(source=source, label="2019")
    assert current_columns() == at_2019


def test_a_correction_of_an_edition_that_was_taken_back_does_not_publish_it_again(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    bring("HCPC2019_ANWEB.txt", anweb(Record("A0001", long="New", short="New"), B))
    publish_release(source=Source.objects.get(slug="hcpcs"), label="2018")
    report = bring("HCPC2019_ANWEB_v2.txt", anweb(Record("A0001", long="Newer", short="New"), B), replace=True)
    assert report.outcome == "Stored. 2018 stays the current edition."
    assert Edition.objects.get(is_current=True).label == "2018"
    assert text_of("A0001") == "First"


def test_a_whole_edition_takes_the_place_of_a_sample_whatever_its_date(bring) -> None:
    bring("hcpcs_2026Q1_sample.txt", anweb(A, Record("G2211")))
    report = bring("HCPC2019_ANWEB.txt", anweb(A, B))
    assert report.predecessor is None
    assert Edition.objects.get(is_current=True).label == "2019"
    assert code("G2211").delisted_in is None
    assert text_of("G2211") == "Test service"


def test_a_sample_never_replaces_a_whole_edition(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A, B))
    bring("hcpcs_2026Q1_sample.txt", anweb(A))
    assert Edition.objects.get(is_current=True).label == "2019"
    assert code("B0001").delisted_in is None


def test_another_sample_of_the_same_name_is_taken_without_asking(bring) -> None:
    bring("hcpcs_2026Q1_sample.txt", anweb(A))
    bring("hcpcs_2026Q1_sample.txt", anweb(A, B))
    assert Edition.objects.get().row_count == 2


def test_a_dry_run_reports_and_writes_nothing(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(A))
    before = current_columns(), list(Edition.objects.values())
    report = bring("HCPC2019_ANWEB.txt", anweb(A, B), dry_run=True)
    assert groups(report)["codes"].added == 1
    assert report.outcome.startswith("Dry run: nothing was written.")
    assert before == (current_columns(), list(Edition.objects.values()))


def test_a_row_error_leaves_no_trace(bring) -> None:
    with pytest.raises(ReleaseError, match=r"HCPC2019_ANWEB\.txt, line 6, column 285"):
        bring("HCPC2019_ANWEB.txt", anweb(LT, A, Record("B0001", terminated="20189999")))
    assert not Edition.objects.exists()
    assert not Code.objects.filter(system__slug="hcpcs").exists()


MANY = [Record(f"A{number:04}") for number in range(1, 101)]


def test_an_edition_that_lists_far_fewer_codes_is_refused(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(*MANY))
    with pytest.raises(
        ReleaseError, match=r"30 of 100 codes are no longer listed.*Nothing was changed.*--accept-removals"
    ):
        bring("HCPC2019_ANWEB.txt", anweb(*MANY[:70]))
    assert Edition.objects.get().label == "2018"


def test_a_surprising_edition_is_taken_on_request(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(*MANY))
    report = bring("HCPC2019_ANWEB.txt", anweb(*MANY[:70]), accept_removals=True)
    assert groups(report)["codes"].no_longer_listed == 30


def test_a_file_cut_at_a_line_end_is_refused_by_its_last_chapter(bring) -> None:
    last = [Record(f"V{number:04}") for number in range(1, 16)]
    bring("HCPC2018_ANWEB.txt", anweb(*MANY, *last))
    with pytest.raises(ReleaseError, match=r"13 of 15 codes that start with V are no longer listed; was the file cut"):
        bring("HCPC2019_ANWEB.txt", anweb(*MANY, *last[:2]))


def test_an_edition_that_ends_or_rewords_most_codes_is_refused(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(*MANY))
    other = [Record(row.code, long="Shifted", short="Shifted", terminated="20181231") for row in MANY]
    with pytest.raises(ReleaseError, match=r"100 of 100 codes are newly terminated; 100 long descriptions"):
        bring("HCPC2019_ANWEB.txt", anweb(*other))


def test_what_editors_wrote_is_never_touched(bring) -> None:
    row = CodeFactory(code="A0001", system__slug="hcpcs")
    entry, section = EntryFactory(code=row, title="Ours"), SectionFactory(code=row, text="Ours too")
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    bring("HCPC2019_ANWEB.txt", anweb(B))
    entry.refresh_from_db()
    section.refresh_from_db()
    assert (entry.title, section.text, entry.version, section.version) == ("Ours", "Ours too", 1, 1)


def test_an_override_whose_original_changed_is_in_the_report(bring) -> None:
    bring("HCPC2018_ANWEB.txt", anweb(A, B))
    DescriptorOverrideFactory(code=code("A0001"), text="Ours", original="First")
    DescriptorOverrideFactory(code=code("B0001"), text="Ours", original="Second")
    report = bring("HCPC2019_ANWEB.txt", anweb(Record("A0001", long="Reworded", short="First"), B))
    assert report.remarks == [
        "Editor's wording of A0001: the original changed. It was: First It is: Reworded",
    ]


def test_new_codes_are_placed_under_the_narrowest_heading(bring) -> None:
    system = CodeFactory(code="Z9999", system__slug="hcpcs").system
    wide = Heading.objects.create(system=system, slug="a", name="A codes", first_code="A0001", last_code="A9999")
    narrow = Heading.objects.create(
        system=system, slug="transport", name="Transport", first_code="A0001", last_code="A0999", parent=wide
    )
    bring("HCPC2018_ANWEB.txt", anweb(A, Record("A4206")))
    assert code("A0001").heading == narrow
    assert code("A4206").heading == wide


def test_the_label_can_be_given(bring) -> None:
    bring("codes.txt", anweb(A), label="2019Q2")
    assert Edition.objects.get().effective_on == datetime.date(2019, 4, 1)


def test_a_file_whose_name_tells_no_edition_is_refused_with_advice(bring) -> None:
    with pytest.raises(ReleaseError, match=r"No file name tells which edition this is.*--edition 2026Q1"):
        bring("codes.txt", anweb(A))


def test_a_variant_that_a_source_does_not_have_is_refused(bring) -> None:
    with pytest.raises(ReleaseError, match=r"hcpcs has no variant 'practitioner'\. Leave --variant out"):
        bring("HCPC2019_ANWEB.txt", anweb(A), variant="practitioner")


def test_publishing_what_is_not_stored_names_what_is(bring) -> None:
    bring("HCPC2019_ANWEB.txt", anweb(A))
    with pytest.raises(ReleaseError, match=r"hcpcs has no edition '2020'\. Stored: 2019\."):
        publish_release(source=Source.objects.get(slug="hcpcs"), label="2020")
    with pytest.raises(ReleaseError, match="is the current edition already"):
        publish_release(source=Source.objects.get(slug="hcpcs"), label="2019")
