"""Templates that can neither reach out nor grow without end, even where the owner's hand slips."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, FileSystemLoader, TemplatesNotFound, TemplateSyntaxError, Undefined
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_OUTPUT_CHARS = 262_144
_MAX_OPERAND = 10_000
_MAX_TURNS = 1_000

_FILTERS = frozenset(
    {"abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int", "last", "length", "list"}
    | {"lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort"}
    | {"sum", "title", "trim", "truncate", "unique", "upper", "urlencode"}
)
# Padding and formatting make a text of any length out of a few characters; none is needed to show a notice.
_GROWING = frozenset(
    {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "join", "replace", "translate"}
)


class NoTilde(Extension):
    """Refuses `a ~ b`, which no sandbox can bound; `+` does the same and is."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Pass every token on but that one."""
        for token in stream:
            if token.type == "tilde":
                raise TemplateSyntaxError("~ is not allowed, use +", token.lineno, stream.name, stream.filename)
            yield token


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's own sandbox with bounded operators, a short list of filters and no way to pad text."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, folder: Path, *, html: bool, undefined: type[Undefined] = ChainableUndefined) -> None:
        super().__init__(
            loader=FileSystemLoader(folder),
            autoescape=html,
            undefined=undefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            extensions=[NoTilde],
        )
        self.filters = {name: f for name, f in self.filters.items() if name in _FILTERS}
        self.filters["join"] = _short_join
        self.globals = {"range": _short_range, "namespace": self.globals["namespace"]}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Neither private attributes nor methods that make text grow."""
        if isinstance(obj, str) and attr in _GROWING:
            return False
        return bool(super().is_safe_attribute(obj, attr, value))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on small numbers, `+` on short texts, nothing else."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if numbers and operator in ("+", "*", "%") and abs(left) < 1e12 and abs(right) < 1e12:
            return super().call_binop(context, operator, left, right)
        texts = isinstance(left, str) and isinstance(right, str)
        if operator == "+" and texts and len(left) + len(right) <= _MAX_OPERAND:
            return super().call_binop(context, operator, left, right)
        raise SecurityError(f"{operator} is allowed on numbers, and + on short texts")


def rendered(environment: Sandbox, names: tuple[str, ...], values: dict[str, Any]) -> str | None:
    """The first template of `names` that exists, rendered; None where none does.

    SecurityError once it is longer than is sensible; a template may raise anything else as well.
    """
    try:
        template = environment.select_template(list(names))
    except TemplatesNotFound:
        return None
    parts: list[str] = []
    size = 0
    for part in template.generate(values):
        size += len(part)
        if size > MAX_OUTPUT_CHARS:
            raise SecurityError(f"the text is longer than {MAX_OUTPUT_CHARS} characters")
        parts.append(part)
    return "".join(parts)


def _short_range(*bounds: int) -> range:
    turns = range(*bounds)
    if len(turns) > _MAX_TURNS:
        raise SecurityError(f"range is allowed up to {_MAX_TURNS}")
    return turns


def _short_join(values: Iterable[object], between: str = "") -> str:
    parts = [str(value) for value in values]
    if sum(map(len, parts)) + len(parts) * len(between) > _MAX_OPERAND:
        raise SecurityError(f"join is allowed up to {_MAX_OPERAND} characters")
    return between.join(parts)
