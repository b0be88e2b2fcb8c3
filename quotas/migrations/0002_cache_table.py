"""The table that settings.CACHES counts rate limits in, so that `migrate` alone makes the site work."""

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.management import call_command
from django.db import migrations


def create(apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


def drop(apps, schema_editor):
    for alias in settings.CACHES:
        if isinstance(caches[alias], BaseDatabaseCache):
            table = schema_editor.quote_name(caches[alias]._table)
            schema_editor.execute(f"DROP TABLE IF EXISTS {table}")


class Migration(migrations.Migration):
    dependencies = [("quotas", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
