"""What our middleware adds to a request, for the type checker."""

from django.http import HttpRequest

from quotas.admissions import Admission


class AddressedRequest(HttpRequest):
    client_address: str  # set by ClientAddressMiddleware; never what the client wrote


class MeteredRequest(AddressedRequest):
    admission: Admission  # set by QuotaMiddleware before a `@metered` view or its wall runs
