"""Tiny HCPCS files in CMS's own layouts. The codes are invented or public domain."""

import io
import textwrap
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape


def numbered(title: str, count: int) -> list[str]:
    return [f"{title}{number}" for number in range(1, count + 1)]


TITLES = [
    *["HCPC", "SEQNUM", "RECID", "LONG DESCRIPTION", "SHORT DESCRIPTION", *numbered("PRICE", 4), "MULT_PI"],
    *[*numbered("CIM", 3), *numbered("MCM", 3), "STATUTE", *numbered("LABCERT", 8), *numbered("XREF", 5), "COV"],
    *["ASC_GRP", "ASC_DT", "OPPS", "OPPS_PI", "OPPS_DT", "PROCNOTE", "BETOS", *numbered("TOS", 5), "ANEST_BU"],
    *["ADD DT", "ACT EFF DT", "TERM DT", "ACTION CD"],
]
PREAMBLE = "***Disclaimers\r\n*Inclusion does not imply coverage.\xa0\r\n\r\n"


@dataclass(frozen=True)
class Record:
    """One code or (two characters) modifier; `text()` and `row()` are the two forms CMS has for it."""

    code: str
    long: str = "Test service"
    short: str = "Test service"
    added: str = "20100101"
    changed: str = "20100101"
    terminated: str = ""
    xrefs: Sequence[str] = ()
    coverage: str = "C"
    cells: dict[str, str] = field(default_factory=dict)

    @property
    def is_modifier(self) -> bool:
        return len(self.code) == 2

    def lines(self) -> list[str]:
        first, more = ("7", "8") if self.is_modifier else ("3", "4")
        parts = textwrap.wrap(self.long, 80) or [""]
        lines = []
        for number, part in enumerate(parts, start=1):
            line = f"{self.code:>5}{number * 100:05}{first if number == 1 else more}{part:<80}"
            if number == 1:
                line += f"{self.short:<28}00      9".ljust(204 - 91)
                line += "".join(f"{xref:<5}" for xref in self.xrefs).ljust(25) + self.coverage
                line = line.ljust(260) + ("" if self.is_modifier else "1P     0")
                line = f"{line.ljust(268)}{self.added:<8}{self.changed:<8}{self.terminated:<8}N"
            lines.append(line.ljust(320))
        return lines

    def row(self) -> list[str]:
        cells = {
            "HCPC": f"{self.code:>5}",
            "SEQNUM": "0010",
            "RECID": "7" if self.is_modifier else "3",
            "LONG DESCRIPTION": self.long,
            "SHORT DESCRIPTION": self.short,
            "PRICE1": "00",
            "MULT_PI": "9",
            **{f"XREF{number}": xref for number, xref in enumerate(self.xrefs, start=1)},
            "COV": self.coverage,
            **({} if self.is_modifier else {"TOS1": "1", "TOS2": "P", "ANEST_BU": "  0"}),
            "ADD DT": self.added,
            "ACT EFF DT": self.changed,
            "TERM DT": self.terminated,
            "ACTION CD": "N",
            **self.cells,
        }
        return [cells.get(title, "") for title in TITLES]


def anweb(*records: Record) -> bytes:
    """The text form, with the disclaimers that CMS puts first."""
    lines = [line for record in records for line in record.lines()]
    return (PREAMBLE + "".join(f"{line}\r\n" for line in lines)).encode("cp1252")


def table(*records: Record) -> list[list[str]]:
    return [["***Disclaimers"], [], list(TITLES), *(record.row() for record in records)]


def workbook(rows: Sequence[Sequence[str | float]]) -> bytes:
    """The least that is an .xlsx: one sheet, strings inline."""

    def cell(value: str | float) -> str:
        if isinstance(value, float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'

    data = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
        '<sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>',
    }
    return zipped({name: (head + text).encode() for name, text in parts.items()})


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def unzipped(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def comma_separated(*records: Record) -> bytes:
    rows = [
        f'{record.code},"{record.long}",{record.short},{record.coverage},1,{record.added},{record.terminated}\n'
        for record in records
    ]
    return ("code,long_description,short_description,coverage,tos,add_date,term_date\n" + "".join(rows)).encode()
