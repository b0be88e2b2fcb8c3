"""Every address of the site, one group an app."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views import ConfirmEmailView, ConfirmPasswordResetCodeView, LoginView, SignupView
from codingahead import devmail, styleguide, views

# Editors log in where everybody does, with the same limits and the same verified address.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    # The site
    path("", views.home, name="home"),
    path("about/", views.about, name="about"),
    path("privacy/", views.privacy, name="privacy"),
    path("terms/", views.terms, name="terms"),
    path("notices/", views.notices, name="notices"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("styleguide/<slug:name>/", styleguide.styleguide_page, name="styleguide_page"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    # Accounts
    path("account/", include("accounts.urls")),
    path("accounts/", RedirectView.as_view(pattern_name="accounts:account")),
    path("accounts/login/", LoginView.as_view(), name="account_login"),
    path("accounts/signup/", SignupView.as_view(), name="account_signup"),
    path("accounts/confirm-email/", ConfirmEmailView.as_view(), name="account_email_verification_sent"),
    path(
        "accounts/password/reset/confirm/",
        ConfirmPasswordResetCodeView.as_view(),
        name="account_confirm_password_reset_code",
    ),
    path("accounts/", include("allauth.urls")),
    # Metering
    path("", include("quotas.urls")),
    # Sources
    path("", include("releases.urls")),
    # The reference
    path("", include("codes.urls")),
    # Editors
    path("admin/", admin.site.urls),
]

if settings.DEBUG:
    urlpatterns += [path("dev/mail/", devmail.dev_mail, name="dev_mail")]
