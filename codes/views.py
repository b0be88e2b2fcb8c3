from django.http import HttpRequest, HttpResponse


def systems(request: HttpRequest) -> HttpResponse: return HttpResponse()
def system(request: HttpRequest, slug: str) -> HttpResponse: return HttpResponse()
def heading(request: HttpRequest, slug: str, heading: str) -> HttpResponse: return HttpResponse()
def code_page(request: HttpRequest, system: str, code: str) -> HttpResponse: return HttpResponse()
