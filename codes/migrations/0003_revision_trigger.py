"""Every statement that writes what a page shows gives `Revision.token` a new value, whoever sends it.

Before the statement, not after: a writer waits for the one row before it locks any other, so two writers cannot
deadlock on it. Readers never wait.
"""

from django.db import migrations

TABLES = [
    "codes_codesystem",
    "codes_heading",
    "codes_code",
    "codes_descriptor",
    "codes_hcpcsrecord",
    "codes_entry",
    "codes_section",
    "codes_descriptoroverride",
]

FORWARD = """
INSERT INTO codes_revision (id, token) VALUES (1, gen_random_uuid());
CREATE FUNCTION codes_change_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO codes_revision (id, token) VALUES (1, gen_random_uuid())
        ON CONFLICT (id) DO UPDATE SET token = excluded.token;
    RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER change_revision BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION codes_change_revision();\n"
    for table in TABLES
)
REVERSE = (
    "".join(f"DROP TRIGGER change_revision ON {table};\n" for table in TABLES)
    + "DROP FUNCTION codes_change_revision(); DELETE FROM codes_revision;"
)


class Migration(migrations.Migration):
    dependencies = [("codes", "0002_systems")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]
