"""What the documents' models share: the strict base, and types that check what a field may hold.

Field names are camelCase in YAML and snake_case here. Every message is a whole clause that follows
``file:line: field.path:``, and says what is allowed.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from webhook.core.features import NAMESPACES, parse_feature
from webhook.core.images import ImagePattern, parse_image_pattern
from webhook.core.names import Feature
from webhook.core.syscalls import ARCHITECTURES, syscall_number
from webhook.core.versions import Version, parse_version
from webhook.documents.source import scalar_text


class Model(BaseModel):
    """A mapping of a document: unknown keys are errors, values are never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, strict=False)


def misplaced(*at: str | int, message: str) -> PydanticCustomError:
    """An error of a field below the model that sees it, to be raised by the model's validator."""
    return PydanticCustomError("misplaced", "{message}", {"message": message, "at": at})


ModelT = TypeVar("ModelT", bound=Model)


def needs_a_part(model: ModelT) -> ModelT:
    """A validator for models whose parts are all optional but not all at once."""
    if not model.model_fields_set:
        parts = [field.alias or name for name, field in type(model).model_fields.items()]
        raise ValueError(f"must hold at least one of {', '.join(parts)}")
    return model


def first_repeated(names: Sequence[Hashable]) -> tuple[int, int] | None:
    """Where a name stands first and again; None where each stands once."""
    seen: dict[Hashable, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            return seen[name], index
        seen[name] = index
    return None


@dataclass(frozen=True, slots=True)
class Matching:
    """A string that fully matches ``pattern``; ``says`` completes "must be …, not 'x'"."""

    pattern: str
    says: str
    longest: int = 253

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check after pydantic has made sure of a string."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The same as a pattern, for editors."""
        limits = {"pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}
        return {**handler(schema), **limits}

    def _check(self, value: str) -> str:
        if len(value) > self.longest or not re.fullmatch(self.pattern, value):
            raise ValueError(f"must be {self.says}, not {quoted(value)}")
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A value that ``read`` turns into a core value, in place of what pydantic would make of it."""

    read: Callable[[object], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Whatever the type says: only ``read`` is asked."""
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """What an editor should take."""
        del schema, handler
        return dict(self.schema)


def parsed(parse: Callable[[str], Any], says: str, schema: Mapping[str, Any] | None = None) -> Read:
    """A scalar that ``parse`` reads, numbers as they were written; ``says``: "must be …"."""

    def read(value: object) -> Any:
        text = scalar_text(value)
        if text is None:
            raise ValueError(f"must be {says}, not {described(value)}")
        return parse(text)

    return Read(read, schema or {"type": "string"})


def quoted(text: str) -> str:
    """``text`` in quotes as a message shows it: one line, bounded, nothing unprintable."""
    return repr(text if len(text) <= 80 else f"{text[:79]}…")


_DESCRIPTIONS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    ((date, datetime), "a date"),
    (Mapping, "a mapping"),
    (Sequence, "a list"),
)


def described(value: object) -> str:
    """What a value is, for "must be …, not …"."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        return quoted(value)
    kind = next((name for types, name in _DESCRIPTIONS if isinstance(value, types)), "such a value")
    text = scalar_text(value)
    return kind if text is None else f"the {kind.partition(' ')[2]} {text[:80]}"


_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_QUALIFIED = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"

Text = Annotated[str, Field(strict=True, min_length=1, max_length=4096)]
"""Any text that is not empty."""
EmptyOrText = Annotated[Text | None, WithJsonSchema({"type": ["string", "null"]})]
"""A text, or an empty value, which other fields refuse."""
Flag = Annotated[bool, Field(strict=True)]
Priority = Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]

_SUBDOMAIN_SAYS = "a DNS name: lower-case letters, digits, '-' and '.', at most 253"
_LABEL_SAYS = "a DNS label: lower-case letters, digits and '-', at most 63"
_STRICT = Field(strict=True)

ObjectName = Annotated[str, _STRICT, Matching(_SUBDOMAIN, _SUBDOMAIN_SAYS)]
"""The name of a document, a RuntimeClass or a service account (a DNS subdomain, RFC 1123)."""
LabelName = Annotated[str, _STRICT, Matching(_LABEL, _LABEL_SAYS, 63)]
"""The name of an override or exemption, a handler, a vendor (a DNS label, RFC 1123)."""
ClassOrNone = Annotated[
    str,
    _STRICT,
    Matching(f"(?:{_SUBDOMAIN})?", f"a RuntimeClass or '' for none: {_SUBDOMAIN_SAYS}"),
]
LabelKey = Annotated[
    str,
    _STRICT,
    Matching(
        rf"(?:{_SUBDOMAIN}/)?{_QUALIFIED}",
        "a label key such as tier or example.com/tier: letters, digits, '-', '_' and '.'",
        317,
    ),
]
LabelValue = Annotated[
    str,
    _STRICT,
    Matching(
        f"(?:{_QUALIFIED})?",
        "a label value: letters, digits, '-', '_' and '.', at most 63",
        63,
    ),
]

_GLOB_SAYS = "and * and ? for any characters"
# Two stars say no more than one; whoever writes them expects something else of them.
_NO_TWO_STARS = r"(?!.*\*\*)"
NamespaceGlob = Annotated[
    str,
    _STRICT,
    Matching(
        rf"{_NO_TWO_STARS}[a-z0-9*?](?:[-a-z0-9*?]*[a-z0-9*?])?",
        f"a glob of namespaces: lower-case letters, digits, '-', {_GLOB_SAYS}",
        63,
    ),
]
NameGlob = Annotated[
    str,
    _STRICT,
    Matching(
        rf"{_NO_TWO_STARS}[a-z0-9*?](?:[-.a-z0-9*?]*[a-z0-9*?])?",
        f"a glob of names: lower-case letters, digits, '-', '.', {_GLOB_SAYS}",
    ),
]
NameGlobOrNone = Annotated[
    str,
    _STRICT,
    Matching(
        rf"(?:{_NO_TWO_STARS}[a-z0-9*?](?:[-.a-z0-9*?]*[a-z0-9*?])?)?",
        f"a glob of RuntimeClasses or '' for none: lower-case letters, digits, '-', '.', "
        f"{_GLOB_SAYS}",
    ),
]
AnnotationGlob = Annotated[
    str,
    _STRICT,
    Matching(
        rf"{_NO_TWO_STARS}[-A-Za-z0-9_.*?]+(?:/[-A-Za-z0-9_.*?]+)?",
        f"a glob of annotation keys: letters, digits, '-', '_', '.', one '/', {_GLOB_SAYS}",
        317,
    ),
]
_VERSION_SAYS = "a version such as 20260817.0 or 4.1.0"
_STRING = {"type": "string"}
_WRITTEN_AS_NUMBER = {"type": ["string", "number"]}
ScalarText = Annotated[str, parsed(str, "a text", {"type": ["string", "number", "boolean"]})]
"""A text that may have been written as a number or boolean: ``false`` is ``"false"``."""
VersionText = Annotated[Version, parsed(parse_version, _VERSION_SAYS, _WRITTEN_AS_NUMBER)]
ImageGlob = Annotated[
    ImagePattern, parsed(parse_image_pattern, 'an image pattern such as "*/postgres"')
]
Arch = Literal["amd64", "arm64"]


def _feature(text: str) -> Feature:
    """A feature id whose call, for ``syscall:``, the kernel has; ``*`` only at the end."""
    feature = parse_feature(text)
    if "*" in feature[:-1]:
        raise ValueError(f"must hold * at the end only, not {quoted(text)}")
    call = feature.removeprefix("syscall:").partition("/")[0]
    if feature.startswith("syscall:") and not feature.endswith("*") and not _known_call(call):
        raise ValueError(f"must name a system call of Linux, not {quoted(call)}")
    return feature


def _known_call(name: str) -> bool:
    return any(syscall_number(name, arch) is not None for arch in ARCHITECTURES)


def _one_feature(text: str) -> Feature:
    if text.endswith("*"):
        raise ValueError(f"must be one feature id, without *, not {quoted(text)}")
    return _feature(text)


_FEATURE_NAME = "[A-Za-z0-9_./:=+*?-]+"
_FEATURE_GLOB = (
    rf"{_NO_TWO_STARS}(?:(?:{'|'.join(NAMESPACES)}):{_FEATURE_NAME}"
    rf"|[a-z?]*[*?][a-z*?]*(?::{_FEATURE_NAME})?)"
)
_FEATURE_GLOB_SAYS = (
    "a feature id such as pod:hostNetwork, a glob of them such as pod:sysctl/*, or *"
)


def _feature_glob(text: str) -> str:
    """A feature id, or a glob that some id can match."""
    if "*" not in text and "?" not in text:
        return _feature(text)
    if len(text) > 200 or not re.fullmatch(_FEATURE_GLOB, text):
        raise ValueError(f"must be {_FEATURE_GLOB_SAYS}, not {quoted(text)}")
    return text


FeatureGlob = Annotated[str, parsed(_feature_glob, _FEATURE_GLOB_SAYS)]
_FEATURE_SAYS = "a feature id such as syscall:io_uring_setup or pod:hostNetwork"
FeatureId = Annotated[Feature, parsed(_one_feature, _FEATURE_SAYS)]
FeatureRow = Annotated[Feature, parsed(_feature, _FEATURE_SAYS)]
"""A feature id that may end in ``*``: a default for all that begin so."""


def parse_day(text: str) -> date:
    """The day that ``text`` writes; raises ValueError."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"must be a day such as 2027-06-30, not {quoted(text)}")


def _day_or_never(text: str) -> date | None:
    if text == "never":
        return None
    try:
        return parse_day(text)
    except ValueError:
        raise ValueError(
            f"must be a day such as 2027-06-30, or never, not {quoted(text)}"
        ) from None


Day = Annotated[date, parsed(parse_day, "a day such as 2027-06-30", {**_STRING, "format": "date"})]
DayOrNever = Annotated[
    date | None,
    parsed(
        _day_or_never,
        "a day such as 2027-06-30, or never",
        {"anyOf": [{**_STRING, "format": "date"}, {"const": "never"}]},
    ),
]


class Metadata(Model):
    """What a document is called."""

    name: ObjectName = Field(
        description="Unique among the documents of its kind in the folder; a DNS subdomain.",
        examples=["tenants"],
    )
    description: Text = Field(default="", description="What the document is for, for people.")
