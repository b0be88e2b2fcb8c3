"""Which heading a code hangs under: the narrowest range of its system that holds it."""

from collections.abc import Collection

from django.db import connection

from codes.models import CodeSystem

# Ranges nest, so the narrowest that holds a code begins last, then ends first. Two traps: 0042T lies between 00100 and
# 01999 as text but is no anesthesia code, so codes that end in a letter only fit ranges that do; and C80.1 lies in
# C76-C80.
NARROWEST = r"""
    SELECT heading.id FROM codes_heading heading
    WHERE heading.system_id = code.system_id
      AND code.code >= heading.first_code COLLATE "C"
      AND left(code.code, length(heading.last_code)) <= heading.last_code COLLATE "C"
      AND substring(code.code from '^\d{4}([A-Z])$')
          IS NOT DISTINCT FROM substring(heading.first_code from '^\d{4}([A-Z])$')
    ORDER BY heading.first_code COLLATE "C" DESC, heading.last_code COLLATE "C", heading.position DESC LIMIT 1
"""


def place_codes(system: CodeSystem, *, again: bool = False) -> int:
    """Give each code without a heading its narrowest one; `again` also moves codes that have another. Says how many."""
    which = "" if again else "AND code.heading_id IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH place AS MATERIALIZED (
                SELECT code.id, ({NARROWEST}) AS heading_id FROM codes_code code WHERE code.system_id = %s {which}
            )
            UPDATE codes_code SET heading_id = place.heading_id FROM place
            WHERE place.id = codes_code.id AND codes_code.heading_id IS DISTINCT FROM place.heading_id
            """,  # noqa: S608 - both parts are ours
            [system.pk],
        )
        return int(cursor.rowcount)


def find_places(codes: Collection[int]) -> dict[int, int | None]:
    """The narrowest heading of each code, by their ids; moves nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT code.id, ({NARROWEST}) FROM codes_code code WHERE code.id = ANY(%s)",  # noqa: S608
            [list(codes)],
        )
        return dict(cursor.fetchall())
