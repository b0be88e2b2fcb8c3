"""What every test stands on: a fresh copy of a migrated database, no network, no slow passwords.

The network rule is pytest-socket's, in pyproject.toml: only this machine may be reached.
"""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from django.apps import apps
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase, override_settings
from psycopg import sql
from pytest_django import DjangoDbBlocker

hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("patient")

TEMPLATE = "codingahead_template_"
TEMPLATES_KEPT = 4  # so that switching between branches does not migrate every time
LOCK = 7_203_114  # an advisory lock: two runs that start together build the template once


def _template_name() -> str:
    """Named after all that decides what a migrated database looks like."""
    key = hashlib.sha256()
    for package in ["django", "django-allauth", "django-simple-history"]:
        key.update(f"{package} {version(package)} ".encode())
    for app in apps.get_app_configs():
        for file in sorted(Path(app.path).glob("migrations/*.py")):
            key.update(file.read_bytes())
    return TEMPLATE + key.hexdigest()[:12]


class Databases:
    """The test database, cloned from a migrated template and cloned again after each test that commits."""

    def __init__(self, worker: str) -> None:
        settings = connection.settings_dict
        parameters = connection.get_connection_params()
        self.server = psycopg.connect(
            **{name: parameters[name] for name in ["host", "port", "user", "password"] if name in parameters},
            dbname="postgres",
            autocommit=True,
        )
        self.template = _template_name()
        self.name = f"test_{settings['NAME']}_{worker}{self.server.info.backend_pid}"
        # A run that was killed leaves its database behind: nobody has this name as its application then.
        self._execute("SELECT set_config('application_name', %s, false)", [self.name])

    def _execute(self, statement: str, values: list[Any] | None = None, **names: str) -> list[str]:
        composed = sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()})
        cursor = self.server.execute(composed, values)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def set_up(self) -> None:
        self._execute("SELECT pg_advisory_lock(%s)::text", [LOCK])
        self._drop_left_behind()
        if not self._execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [self.template]):
            self._build_template()
        self._execute("CREATE DATABASE {name} TEMPLATE {template}", name=self.name, template=self.template)
        self._execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        self._point_at(self.name)

    def restore(self) -> None:
        """Undo everything that was committed, rows of data migrations that were emptied included."""
        connections.close_all()
        self._execute("DROP DATABASE {name} WITH (FORCE)", name=self.name)
        self._execute("CREATE DATABASE {name} TEMPLATE {template}", name=self.name, template=self.template)

    def tear_down(self) -> None:
        connections.close_all()
        self._execute("DROP DATABASE {name} WITH (FORCE)", name=self.name)
        self.server.close()

    def _build_template(self) -> None:
        self._execute("DROP DATABASE IF EXISTS {name}", name=self.template)
        self._execute("CREATE DATABASE {name}", name=self.template)
        self._point_at(self.template)
        call_command("migrate", verbosity=0)
        connection.close()
        self._execute("ALTER DATABASE {name} IS_TEMPLATE true", name=self.template)

    def _drop_left_behind(self) -> None:
        test_databases = self._execute(
            "SELECT datname FROM pg_database d WHERE starts_with(datname, %s)"
            " AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = d.datname)",
            [self.name.rstrip("0123456789")],
        )
        old_templates = self._execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname <> %s"
            " AND pg_get_userbyid(datdba) = current_user ORDER BY oid DESC OFFSET %s",
            [TEMPLATE, self.template, TEMPLATES_KEPT - 1],
        )
        for name in [*test_databases, *old_templates]:
            self._execute("ALTER DATABASE {name} IS_TEMPLATE false", name=name)
            self._execute("DROP DATABASE {name}", name=name)

    def _point_at(self, name: str) -> None:
        connection.close()
        connection.settings_dict["NAME"] = name


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        databases = Databases(worker)
        databases.set_up()
        # Django would empty all tables instead, and later tests would miss the rows that migrations wrote.
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: databases.restore())
        yield
        databases.tear_down()


@pytest.fixture(scope="session", autouse=True)
def _settings_for_tests(django_test_environment: None) -> Iterator[None]:
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        WHITENOISE_AUTOREFRESH=True,  # finds static files without collectstatic
    ):
        yield


@pytest.fixture(autouse=True)
def _forget_caches_of_this_process() -> None:
    """The shared cache is a table and rolls back with its test; what the process keeps does not."""
    for cache in caches.all(initialized_only=True):
        if isinstance(cache, LocMemCache):
            cache.clear()
