"""All settings, read top to bottom: each is a literal, or comes from the environment through `env`.

`.env.sample` explains every variable. `NAME_FILE` names a file that holds the value of `NAME` (a mounted secret).
"""

import os
from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()
environ.Env.read_env(BASE_DIR / ".env")


def flag(name: str, *, default: bool) -> bool:
    """A boolean of the environment: exactly 0 or 1, since "False" or "no" would silently mean yes."""
    value = os.environ.get(name, "1" if default else "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to 0 or 1. .env.sample explains every variable.")
    return value == "1"


def required(name: str) -> str:
    """A value without a default: the start stops with a sentence instead of running with a guess."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set {name}. .env.sample explains every variable.")
    return str(value).strip()  # a mounted file ends with a newline


# --- The site ---------------------------------------------------------------------------------------------------

DEBUG = flag("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Canonical links, sitemap and mail use it, never Host.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
SITE_NAME = "Coding Ahead"
OPERATOR_EMAIL = env.str("OPERATOR_EMAIL", default="editors@codingahead.example")

INSTALLED_APPS = [
    "codingahead.apps.SiteConfig",
    "accounts",
    "codes",
    "releases",
    "quotas",
    "django.contrib.admin.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "csp",
    "simple_history",
]

MIDDLEWARE = [
    "codingahead.health.health_middleware",  # first: asked over plain HTTP, under any name
    "django.middleware.security.SecurityMiddleware",
    "quotas.middleware.ClientAddressMiddleware",  # early: what follows relies on the client's address
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "quotas.middleware.QuotaMiddleware",  # last: it meters what is really going to be shown
]

ROOT_URLCONF = "codingahead.urls"
WSGI_APPLICATION = "codingahead.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "codingahead.context.site",
            ],
        },
    },
]

# --- The database -----------------------------------------------------------------------------------------------

# Counting relies on READ COMMITTED and autocommit (docs/quotas.md), so ATOMIC_REQUESTS stays off.
DATABASES = {"default": env.db_url_config(required("DATABASE_URL"))}
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": False}
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5,  # a database that does not answer is a 503 soon, not a page that hangs
    # Statements that come again are prepared: planning cost more than running them (ADR 0063).
    "server_side_binding": True,
    "prepare_threshold": 3,
    **DATABASES["default"].get("OPTIONS", {}),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Shared by all workers: rate limits that each process counts for itself are no limits.
# Django would throw entries away beyond 300, so that 300 strange addresses would wipe out everybody's counts.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 200_000, "CULL_FREQUENCY": 10},
    }
}

# --- Accounts ---------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"

# Proxies of our own in front of the site: the client address is counted that many from the right of
# X-Forwarded-For; what stands further left was written by the client and is never believed.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
CLIENT_ADDRESS_EXEMPT_PATHS = {"/healthz", "/readyz"}  # asked by the container engine, past the proxies
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 30 * 60  # hospitals' mail filters take their time
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# allauth offers it only while a real account waits, which tells known addresses from unknown: the page leads back to
# the sign-up form instead (docs/adr/0031-no-account-enumeration.md).
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = False
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 30 * 60
ACCOUNT_LOGIN_TIMEOUT = 30 * 60
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {
    "add_email": "accounts.forms.AddEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "confirm_email_verification_code": "accounts.forms.ConfirmEmailVerificationCodeForm",
    "confirm_password_reset_code": "accounts.forms.ConfirmPasswordResetCodeForm",
    "login": "accounts.forms.LoginForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "signup": "accounts.forms.SignupForm",
}
ACCOUNT_RATE_LIMITS = {
    # Above QUOTA_GUESTS_PER_NETWORK, so that a hospital behind one address is never locked out.
    "signup": "10/m/ip,300/d/ip",
    "login_failed": "10/m/ip,5/5m/key",
    # How often one mailbox is sent a code, and how often one session may try, bound the odds of guessing one
    # (docs/adr/0032-codes-by-mail.md).
    "confirm_email": "1/10s/key,6/h/key,20/d/key",
    "reset_password": "20/m/ip,5/h/key,10/d/key",
    "enter_code": "30/m/ip,10/h/key",
}

# --- Metering (docs/quotas.md) ----------------------------------------------------------------------------------

# A window is "month" (calendar month, UTC), "day" (UTC) or "ever". An AllowanceOverride on one account beats the tier.
QUOTA_METERS = {
    "code_page": {
        "limits": {
            "guest": env.int("QUOTA_GUEST_LIMIT", default=1),
            "registered": env.int("QUOTA_REGISTERED_LIMIT", default=5),
        },
        "windows": {
            "guest": env.str("QUOTA_GUEST_WINDOW", default="month"),
            "registered": env.str("QUOTA_REGISTERED_WINDOW", default="month"),
        },
        "unit": "code page view",
        "describe": "codes.presenters.describe_items",  # (items) -> {item: (label, title, url)}
    },
}
# How many guests without a valid cookie one network (IPv4 address or IPv6 /56) may bring in a day.
QUOTA_GUESTS_PER_NETWORK = env.int("QUOTA_GUESTS_PER_NETWORK", default=200)
QUOTA_GUEST_COOKIE_AGE = timedelta(days=400)  # browsers cap cookies at 400 days

# --- Releases ---------------------------------------------------------------------------------------------------

RELEASE_SOURCES = {"hcpcs": "codes.imports.hcpcs.HcpcsImporter"}
# Systems whose licensed descriptors may be shown. Only with a licence (for CPT: from the American Medical Association).
LICENSED_CODE_SYSTEMS = env.list("LICENSED_CODE_SYSTEMS", default=[])

# --- Mail -------------------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Coding Ahead <no-reply@codingahead.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10
if DEBUG:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"  # read it at /dev/mail/
    EMAIL_FILE_PATH = BASE_DIR / ".dev" / "mail"
else:
    vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))

# --- Language and time ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# --- Static files -----------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- Security ---------------------------------------------------------------------------------------------------

# Starts from nothing. No inline script or style anywhere: data goes to scripts in data- attributes or json_script.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Django's admin draws its icons as data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

HTTPS = flag("HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 63_072_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Logs -------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},  # scanners; nothing for us to mend
        # A wall or a mistyped address is an answer, not an event; the access log has it.
        "django.request": {"level": "ERROR"},
    },
}
