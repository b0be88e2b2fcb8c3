"""Reports are kept with their edition for years, while the program that reads them changes."""

from releases.reports import GroupReport, ImportReport

GROUP = GroupReport(
    group="hcpcs",
    name="codes",
    compared=True,
    rows=6440,
    rows_before=6235,
    added=237,
    changed=2,
    unchanged=6201,
    no_longer_listed=1,
    newly_terminated=30,
    reworded={"long descriptions": 111},
    by_column={"coverage": 2},
    names={"no_longer_listed": ["G9976"]},
)
REPORT = ImportReport(
    source="HCPCS Level II",
    edition="2019",
    outcome="Published",
    predecessor="2018",
    groups=[GROUP],
    lacks=["betos"],
    skipped={"dental codes": 3},
    remarks=["Editor's wording of G0105: the original changed."],
    seconds=1.25,
)


def test_a_kept_report_comes_back_as_it_was() -> None:
    assert ImportReport.from_json(REPORT.as_json()) == REPORT


def test_an_edition_that_no_import_wrote_has_no_report() -> None:
    assert ImportReport.from_json({}) is None


def test_a_report_of_an_older_version_stays_readable() -> None:
    kept = REPORT.as_json()
    del kept["lacks"], kept["predecessor"], kept["groups"][0]["compared"], kept["groups"][0]["by_column"]
    report = ImportReport.from_json(kept)
    assert report is not None
    assert (report.lacks, report.predecessor) == ([], None)
    assert report.lines()[:2] == ["HCPCS Level II 2019, nothing to compare it with", "6,440 codes"]


def test_a_report_of_a_later_version_stays_readable() -> None:
    kept = REPORT.as_json()
    kept["invented"], kept["groups"][0]["invented"] = "later", 7
    assert ImportReport.from_json(kept) == REPORT


def test_a_report_says_in_lines_what_changed() -> None:
    assert REPORT.lines() == [
        "HCPCS Level II 2019, compared with 2018",
        "6,440 codes: 237 added, 1 no longer listed, 30 newly terminated, 2 changed, 6,201 unchanged",
        "  reworded: 111 long descriptions",
        "  no longer listed: G9976",
        "not in these files, so unknown: betos",
        "left out: 3 dental codes",
        "Editor's wording of G0105: the original changed.",
        "Published (1.2 s)",
    ]
