"""The Editors group: who writes what code pages say, and no more than that.

Run again, it adds rights that are missing and takes none away, so that an operator's own additions stay.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

RIGHTS = {
    "codes": {
        "view": ["codesystem", "heading", "code", "descriptor", "hcpcsrecord"],
        "view add change": ["entry", "section"],
        "view add change delete": ["descriptoroverride"],
        "view change": ["errorreport"],
    },
    "releases": {"view": ["source", "edition", "editionfile"]},
}


def add(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    editors, _ = Group.objects.get_or_create(name="Editors")
    for app, rights in RIGHTS.items():
        # Django makes permissions after all migrations; a group that is to hold them needs them now.
        config = apps.get_app_config(app)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
        wanted = [f"{verb}_{model}" for verbs, models in rights.items() for verb in verbs.split() for model in models]
        found = Permission.objects.filter(content_type__app_label=app, codename__in=wanted)
        assert found.count() == len(wanted), f"The models of {app} and the rights of editors disagree."
        editors.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [
        ("codes", "0003_revision_trigger"),
        ("releases", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
