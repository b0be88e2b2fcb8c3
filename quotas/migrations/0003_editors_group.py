"""Editors may look at allowances, decide about requests for more and give overrides.

Run again, it adds rights that are missing and takes none away, so that an operator's own additions stay.
"""

from django.contrib.auth.management import create_permissions
from django.db import migrations

RIGHTS = {
    "view": ["allowance", "crawlernetwork"],
    "view add change": ["allowanceoverride"],
    "view change": ["morerequest"],
}


def add(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    editors, _ = Group.objects.get_or_create(name="Editors")
    # Django makes permissions after all migrations; a group that is to hold them needs them now.
    config = apps.get_app_config("quotas")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    wanted = [f"{verb}_{model}" for verbs, models in RIGHTS.items() for verb in verbs.split() for model in models]
    found = Permission.objects.filter(content_type__app_label="quotas", codename__in=wanted)
    assert found.count() == len(wanted), "The models of quotas and the rights of editors disagree."
    editors.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [
        ("quotas", "0002_cache_table"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
