"""Django's sessions in the database, for a world in which a cookie may hold anything."""

from typing import TypeGuard

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> TypeGuard[str]:
        """Whether this site could have given the key out. PostgreSQL fails on a NUL, and every page would with it."""
        return key is not None and len(key) >= 8 and key.isascii() and key.isalnum()
