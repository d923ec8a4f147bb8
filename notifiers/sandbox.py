"""Templates that can neither reach out nor grow without end, even where the owner's hand slips."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import (
    ChainableUndefined,
    ChoiceLoader,
    FileSystemLoader,
    PrefixLoader,
    Template,
    TemplatesNotFound,
    TemplateSyntaxError,
    Undefined,
    pass_eval_context,
)
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.nodes import EvalContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from notifiers.language import Language, expand

MAX_OUTPUT_CHARS = 262_144
_MAX_OPERAND = 10_000
_MAX_TURNS = 1_000
_MAX_MESSAGE = 1_000_000
_MAX_WIDTH = 40

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

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        html: bool,
        language: Language | None = None,
        undefined: type[Undefined] = ChainableUndefined,
    ) -> None:
        """Templates are taken from the first folder that has them. `shipped/NAME` is the one of the last folder, so
        that an owner's template can extend the one that it stands in for."""
        shipped = PrefixLoader({"shipped": FileSystemLoader(folders[-1])})
        super().__init__(
            loader=ChoiceLoader([FileSystemLoader(folders), shipped]),
            autoescape=html,
            undefined=undefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            extensions=[NoTilde, "jinja2.ext.i18n"],
        )
        self.policies["ext.i18n.trimmed"] = True
        self.newstyle_gettext = True
        self.filters = {name: f for name, f in self.filters.items() if name in _FILTERS}
        self.filters |= {"join": _short_join, "label": _label}
        self.globals = {"range": _short_range, "namespace": self.globals["namespace"], **_words(language or Language())}

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


def rendered(template: Template, values: dict[str, Any]) -> str:
    """The template's text. SecurityError once it is longer than is sensible; a template may raise anything else."""
    parts: list[str] = []
    size = 0
    for part in template.generate(values):
        size += len(part)
        if size > MAX_OUTPUT_CHARS:
            raise SecurityError(f"the text is longer than {MAX_OUTPUT_CHARS} characters")
        parts.append(part)
    return "".join(parts)


def first_template(environment: Sandbox, names: Sequence[str]) -> Template | None:
    """The first template of `names` that exists; None where none does."""
    try:
        return environment.select_template(list(names))
    except TemplatesNotFound:
        return None


def _words(language: Language) -> dict[str, Callable[..., str]]:
    """What `{% trans %}` and `_()` stand for. Values are escaped where the page is; no message grows without end."""

    said = language.translations

    @pass_eval_context
    def text(context: EvalContext, message: str, **values: object) -> str:
        """`_()`: the message is text, and may come from anywhere."""
        plain = said.gettext(message)
        return _filled(context, str(escape(plain)) if context.autoescape else plain, values)

    @pass_eval_context
    def gettext(context: EvalContext, message: str, **values: object) -> str:
        return _filled(context, said.gettext(message), values)

    @pass_eval_context
    def ngettext(context: EvalContext, one: str, many: str, number: int, **values: object) -> str:
        values.setdefault("num", language.number(number))
        return _filled(context, said.ngettext(one, many, number), values)

    return {"_": text, "gettext": gettext, "ngettext": ngettext}


def _filled(context: EvalContext, message: str, values: Mapping[str, object]) -> str:
    shown = {name: str(escape(value) if context.autoescape else value) for name, value in values.items()}
    longest = max(map(len, shown.values()), default=0)
    if len(message) * max(longest, 1) > _MAX_MESSAGE:
        raise SecurityError(f"a message is allowed up to {_MAX_MESSAGE} characters")
    text = expand(message, shown)
    return Markup(text) if context.autoescape else text  # noqa: S704  the message is ours or the owner's


def _label(text: str, width: int = 8) -> str:
    """The text with a colon, then spaces up to `width`, so that what follows stands in a column."""
    if width > _MAX_WIDTH:
        raise SecurityError(f"label is allowed up to {_MAX_WIDTH}")
    return f"{text}:" + " " * max(width - len(text) - 1, 1)


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
