"""CMS's own files, where they are at hand: ../shared/data, or the directory that CODINGAHEAD_DATA names."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from codes.content_files import HeadingNode, read_headings
from codes.imports.hcpcs import HcpcsImporter
from codes.models import Code
from releases.actions import import_release
from releases.fetching import fetch
from releases.importers import ReleaseError, quiet
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


def codes_in(name: str, into: Path) -> dict[str, bool]:
    """The codes of a file, modifiers left out, and whether each was in force when this was written."""
    importer = HcpcsImporter()
    into.mkdir()
    [file] = fetch([str(DATA / name)], importer=importer, into=into, progress=quiet)
    rows = [dict(zip(importer.columns, row, strict=True)) for row in importer.read([file]).rows]
    return {
        str(row["code"]): str(row["terminated_on"] or "9999") > "2026-11-22" for row in rows if row["system"] == "hcpcs"
    }


def leaves(nodes: Iterable[HeadingNode]) -> Iterator[HeadingNode]:
    for node in nodes:
        yield from leaves(node.children) if node.children else [node]


def test_every_code_falls_in_exactly_one_leaf_of_the_delivered_headings(tmp_path: Path) -> None:
    path = settings.BASE_DIR / "fixtures" / "content" / "headings.yaml"
    ranges = list(leaves(read_headings(path, path.read_bytes())["hcpcs"]))
    files = ["2018-Alpha-Numeric-HCPCS-File.zip", "HCPC2019_CONTR_ANWEB.txt", "hcpcs_level2_2026Q1.csv"]
    editions = [codes_in(name, tmp_path / name) for name in files]
    codes = sorted(set().union(*editions))
    assert len(codes) > 8623
    homes = {code: [leaf.slug for leaf in ranges if leaf.first_code <= code <= leaf.last_code] for code in codes}
    assert {code: slugs for code, slugs in homes.items() if len(slugs) != 1} == {}
    crowds = Counter(homes[code][0] for code, in_force in editions[-1].items() if in_force)
    assert crowds.most_common(1)[0][1] <= 250
