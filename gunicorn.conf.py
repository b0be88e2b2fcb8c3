"""How gunicorn serves the site. A variable of the same name in capitals overrides what is read from the environment."""

import os

bind = os.environ.get("BIND", "0.0.0.0:8000")  # noqa: S104 - a container's own network
# Threads, since pages wait for PostgreSQL; a connection each, so workers × threads stays below max_connections.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
control_socket_disable = True  # would write to a read-only container
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeats never touch a disk
preload_app = True  # settings and templates load once; a configuration error stops the start at once
timeout = 30
graceful_timeout = 25
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
limit_request_line = 4094
limit_request_field_size = 8190
accesslog = "-"
# What lies behind which proxy is settled by TRUSTED_PROXY_COUNT, not by gunicorn.
access_log_format = '%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms "%(a)s"'
