"""How systems and codes are spelled in an address: /cpt/38570/, /hcpcs/g0105/, /icd-10-cm/c77-2/."""

SYSTEMS = {"cpt", "hcpcs", "hcpcs-modifier", "icd-10-cm"}


class SystemConverter:
    """The address name of a code system, in any case."""

    regex = "[A-Za-z0-9-]{3,14}"

    def to_python(self, value: str) -> str:
        if value.lower() not in SYSTEMS:
            raise ValueError(value)  # no match: the address belongs to somebody else, or to nobody
        return value.lower()

    def to_url(self, value: str) -> str:
        return value


class CodeConverter:
    """Takes any spelling in; gives the one canonical spelling out, to which the others redirect."""

    regex = "[0-9A-Za-z][0-9A-Za-z.-]{0,11}"

    def to_python(self, value: str) -> str:
        return value.upper().replace("-", ".")

    def to_url(self, value: str) -> str:
        return value.lower().replace(".", "-")
