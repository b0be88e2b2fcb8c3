#!/usr/bin/env python3
"""Django's command line: `manage.py migrate`, `manage.py import_release …`."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codingahead.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
