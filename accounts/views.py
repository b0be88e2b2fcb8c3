"""The account page and what belongs to it, and allauth's entrance with the reason to enter."""

from typing import Any, cast

from allauth.account import views as allauth_views
from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import EmailVerificationStage, LoginStage, LoginStageController
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions
from accounts.adapter import recall_place, with_next
from accounts.forms import DeleteAccountForm
from accounts.models import User
from accounts.presenters import present_account, present_invitation


class Entrance:
    """Says what an account brings, and where the reader will come back to."""

    url_name: str
    request: HttpRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; with the way back that was asked for earlier, if this request names none."""
        place = recall_place(request)
        if place and "next" not in request.GET:
            return HttpResponseRedirect(with_next(self.url_name, place))
        return cast(HttpResponse, super().get(request, *args, **kwargs))  # type: ignore[misc]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return context | {"invitation": present_invitation(context["redirect_field_value"] or "")}


class LoginView(Entrance, allauth_views.LoginView):
    url_name = "account_login"

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> HttpResponseRedirect | None:
        """Lets who is being asked for a code log in instead: the mail may say that there is an account already."""
        clear_login(request)
        return None


class SignupView(Entrance, allauth_views.SignupView):
    url_name = "account_signup"


class ConfirmEmailView(allauth_views.ConfirmEmailVerificationCodeView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Asks for the code while log-in or sign-up waits for it. allauth shows the page longer for a known address."""
        waits = LoginStageController.enter(request, EmailVerificationStage.key)
        if request.user.is_anonymous and waits is None:
            return redirect("account_login")
        return cast(HttpResponse, super().dispatch(request, *args, **kwargs))


class ConfirmPasswordResetCodeView(allauth_views.ConfirmPasswordResetCodeView):
    def get_form_kwargs(self) -> dict[str, Any]:
        """No code is right for an account that was deleted after its code was sent."""
        kwargs: dict[str, Any] = super().get_form_kwargs()
        return kwargs if self._process.user else kwargs | {"code": ""}


@never_cache
@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/account.html", {"account": present_account(cast(User, request.user))})


@never_cache
@login_required
@require_safe
def download(request: HttpRequest) -> HttpResponse:
    """Everything that the site stores about the reader, as a JSON file."""
    response = JsonResponse(actions.export_account(user=cast(User, request.user)), json_dumps_params={"indent": 2})
    response["Content-Disposition"] = 'attachment; filename="coding-ahead-account.json"'
    return response


@never_cache
@login_required
@reauthentication_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = DeleteAccountForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        address = user.email
        try:
            actions.delete_account(user=user)
        except actions.LastSuperuser as refusal:
            form.add_error(None, str(refusal))
        else:
            get_adapter(request).logout(request)
            get_adapter(request).send_mail("account/email/account_deleted", address, {})
            return redirect("accounts:deleted")
    return render(request, "accounts/delete.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/deleted.html")
