"""How gunicorn serves the site (docs/runbook.md)."""

import os

bind = os.environ.get("BIND", "0.0.0.0:8000")
# Threads, since pages wait for PostgreSQL. Each keeps a connection: workers × threads stay below max_connections.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
preload_app = True  # settings and templates load once, and a wrong setting stops the start at once
control_socket_disable = True  # a read-only container has no place for it
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeats that never wait for a disk
timeout = 30
graceful_timeout = 25
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
forwarded_allow_ips = ""  # which proxies are believed is settled in one place: TRUSTED_PROXY_COUNT
accesslog = "-"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"  # no addresses, no queries, no cookies
