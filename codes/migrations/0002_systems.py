"""The systems whose pages the site has. Their codes come with releases and content."""

from django.db import migrations

AMA = {
    "publisher": "American Medical Association",
    "is_licensed": True,
    "copyright_notice": "CPT © Copyright {year} American Medical Association. All rights reserved.",
    "trademark_notice": "CPT® is a registered trademark of the American Medical Association.",
}
SYSTEMS = [
    {"slug": "cpt", "name": "CPT®", "title": "Current Procedural Terminology", **AMA},
    {
        "slug": "hcpcs",
        "name": "HCPCS",
        "title": "Healthcare Common Procedure Coding System, Level II",
        "publisher": "Centers for Medicare & Medicaid Services",
    },
    {
        "slug": "hcpcs-modifier",
        "name": "HCPCS modifiers",
        "title": "Modifiers of HCPCS Level II",
        "publisher": "Centers for Medicare & Medicaid Services",
    },
    {
        "slug": "icd-10-cm",
        "name": "ICD-10-CM",
        "title": "International Classification of Diseases, 10th Revision, Clinical Modification",
        "publisher": "National Center for Health Statistics and Centers for Medicare & Medicaid Services",
    },
]


def add(apps, schema_editor):
    CodeSystem = apps.get_model("codes", "CodeSystem")
    Source = apps.get_model("releases", "Source")
    hcpcs, _ = Source.objects.get_or_create(
        slug="hcpcs",
        defaults={
            "name": "HCPCS Level II",
            "publisher": "Centers for Medicare & Medicaid Services",
            "cadence": "Quarterly (January, April, July, October)",
            "cadence_months": 3,
            "url": "https://www.cms.gov/medicare/coding-billing/healthcare-common-procedure-system/quarterly-update",
            "licence": "Public domain (work of the United States government)",
        },
    )
    for position, fields in enumerate(SYSTEMS, start=1):
        slug = fields["slug"]
        source = hcpcs if slug.startswith("hcpcs") else None
        CodeSystem.objects.update_or_create(slug=slug, defaults={**fields, "position": position, "source": source})


class Migration(migrations.Migration):
    dependencies = [("codes", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
