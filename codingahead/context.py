"""What every template may use about the site."""

from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode


@dataclass(frozen=True, slots=True)
class Product:
    """One of the products in the site's header, with its one line."""

    name: str
    line: str
    url_name: str
    prefixes: tuple[str, ...]  # pages that belong to it


@dataclass(frozen=True, slots=True)
class MenuLink:
    """A place to go from the header."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class ProductLink:
    """A product as one page's header shows it."""

    name: str
    line: str
    url: str
    is_current: bool


# A product joins this list when it exists.
PRODUCTS = (Product("Code pages", "the reference", "codes:systems", ("/codes/", "/cpt/", "/hcpcs/", "/icd-10-cm/")),)


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name, its absolute address (canonical links start with it, never with the Host header), and the
    header's links. Nothing here reads the session or the database unless the template shows an account's menu."""
    return {
        "SITE_NAME": settings.SITE_NAME,
        "SITE_URL": settings.SITE_URL,
        "OPERATOR_EMAIL": settings.OPERATOR_EMAIL,
        "products": product_links(request.path),
        "login_url": coming_back("account_login", request),
        "signup_url": coming_back("account_signup", request),
        "account_menu": SimpleLazyObject(partial(account_menu, request)),
    }


def product_links(path: str) -> list[ProductLink]:
    return [
        ProductLink(product.name, product.line, reverse(product.url_name), path.startswith(product.prefixes))
        for product in PRODUCTS
    ]


def coming_back(url_name: str, request: HttpRequest) -> str:
    """The address of a log-in or sign-up page that leads back to this page; from account pages, without a way back."""
    url = reverse(url_name)
    if request.method not in ("GET", "HEAD") or request.path.startswith("/accounts/") or request.path == "/":
        return url
    return f"{url}?{urlencode({'next': request.get_full_path()})}"


def account_menu(request: HttpRequest) -> list[MenuLink]:
    """Where an account can go: its own pages, and the editors' room for those who may enter it."""
    links = [MenuLink("Your account", reverse("accounts:account")), MenuLink("Your usage", reverse("quotas:usage"))]
    if admin.site.has_permission(request):
        links.append(MenuLink("Editing", reverse("admin:index")))
    return links
