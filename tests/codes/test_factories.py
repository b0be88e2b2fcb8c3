import pytest

from codes.models import Section
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_factory_makes_a_valid_row():
    for name in dir(factories):
        factory = getattr(factories, name)
        if name.endswith("Factory") and factory.__module__ == factories.__name__:
            row = factory()
            assert str(row)
            row.validate_constraints()


def test_a_described_code_has_an_entry_a_description_and_as_many_sections_as_asked():
    code = factories.CodeFactory(code="38570", described=True, sections=7)
    assert code.entry.title == "Plain title of 38570"
    assert {section.kind for section in code.sections.all()} == set(Section.Kind)
