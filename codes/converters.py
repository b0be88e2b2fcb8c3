"""How a code is spelled in an address: /cpt/38570/, /hcpcs/g0105/, /icd-10-cm/c77-2/."""


class SystemConverter:
    regex = "cpt|hcpcs|hcpcs-modifier|icd-10-cm"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class CodeConverter:
    """Takes any spelling in; gives the one canonical spelling out, to which the others redirect."""

    regex = "[0-9A-Za-z][0-9A-Za-z.-]{0,11}"

    def to_python(self, value: str) -> str:
        return value.upper().replace("-", ".")

    def to_url(self, value: str) -> str:
        return value.lower().replace(".", "-")
