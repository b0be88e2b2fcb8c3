"""CMS's own files, where they are at hand: ../shared/data, or the directory that CODINGAHEAD_DATA names."""

import os
from pathlib import Path

import pytest
from django.conf import settings

from codes.models import Code
from releases.actions import import_release
from releases.importers import ReleaseError
from releases.models import Edition, Source
from releases.reports import ImportReport

DATA = Path(os.environ.get("CODINGAHEAD_DATA") or settings.BASE_DIR.parent / "shared" / "data") / "hcpcs"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"CMS's files are not in {DATA}; set CODINGAHEAD_DATA"),
]


def bring(name: str) -> ImportReport:
    return import_release(source=Source.objects.get(slug="hcpcs"), places=[str(DATA / name)])


@pytest.mark.parametrize("name", ["HCPC2019_CONTR_ANWEB.txt", "HCPC2019_CONTR_ANWEB.xlsx"])
def test_both_forms_of_2019_have_6440_codes_and_360_modifiers(name: str) -> None:
    assert [(group.rows, group.name) for group in bring(name).groups] == [(6440, "codes"), (360, "modifiers")]
    assert Code.objects.filter(system__slug="hcpcs").count() == 6440
    assert Code.objects.filter(system__slug="hcpcs-modifier").count() == 360


def test_the_two_forms_of_2019_differ_in_one_column_of_two_codes() -> None:
    bring("HCPC2019_CONTR_ANWEB.txt")
    with pytest.raises(ReleaseError, match=r"Differences: 2 codes changed \(E0210, E0776: types of service\)\."):
        bring("HCPC2019_CONTR_ANWEB.xlsx")


def test_the_editions_from_2018_to_2026() -> None:
    bring("2018-Alpha-Numeric-HCPCS-File.zip")
    codes, modifiers = bring("HCPC2019_CONTR_ANWEB.txt").groups
    assert (codes.added, codes.no_longer_listed, codes.newly_terminated) == (237, 2, 30)
    assert codes.names["no_longer_listed"] == ["G9976", "G9977"]
    assert codes.reworded == {"long descriptions": 111, "short descriptions": 98}
    assert (modifiers.added, modifiers.no_longer_listed) == (7, 1)
    assert Code.objects.get(code="C9016").successors == ["J3316"]

    before = Code.objects.get(code="G0105")
    [newest] = bring("hcpcs_level2_2026Q1.csv").groups
    assert (newest.rows, newest.added, newest.no_longer_listed) == (8623, 2183, 0)
    after = Code.objects.select_related("descriptor__edition").get(code="G0105")
    assert (after.changed_on, after.successors) == (before.changed_on, before.successors)
    assert after.descriptor is not None
    assert after.descriptor.edition == Edition.objects.get(label="2026Q1")
    assert not Code.objects.filter(system__slug="hcpcs-modifier", descriptor=None).exists()
