from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from quotas import actions
from quotas.forms import MoreRequestForm
from quotas.meters import REGISTERED
from quotas.presenters import present_usage
from quotas.readers import reader_of


@require_safe
@cache_control(private=True, no_store=True)
@vary_on_cookie
def usage(request: HttpRequest) -> HttpResponse:
    """What I opened, what is left, when it resets. Looking at it costs nothing and sets no cookie."""
    return show_usage(request, MoreRequestForm())


@cache_control(private=True, no_store=True)
@vary_on_cookie
def ask_for_more(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    if reader.user is None:
        return redirect_to_login(reverse("quotas:usage"))
    if request.method != "POST" or reader.tier != REGISTERED:
        return redirect("quotas:usage")
    form = MoreRequestForm(request.POST)
    if not form.is_valid():
        return show_usage(request, form, status=400)
    try:
        actions.ask_for_more(user=reader.user, **form.cleaned_data)
    except actions.CannotAsk as refusal:
        form.add_error(None, str(refusal))
        return show_usage(request, form, status=429)
    messages.success(request, "Your request is with our editors. The answer comes by e-mail.")
    return redirect("quotas:usage")


def show_usage(request: HttpRequest, form: MoreRequestForm, status: int = 200) -> HttpResponse:
    page = {"meters": present_usage(reader_of(request)), "form": form}
    return render(request, "quotas/usage.html", page, status=status)
