"""The body of a request that changes some fields."""

from msgspec import UNSET, Struct


class FieldsToChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields to change; all others stay. At least one field is needed."""

    def __post_init__(self) -> None:
        if all(getattr(self, name) is UNSET for name in self.__struct_fields__):
            names = ", ".join(self.__struct_encode_fields__)
            msg = f"must have at least one of {names}"
            raise ValueError(msg)
