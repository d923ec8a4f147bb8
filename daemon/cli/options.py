"""Commands that share their options: a table of options serves all of them. And words of which one is to be given."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer


def with_options(command: Callable[..., None], options: Mapping[str, Any]) -> Callable[..., None]:
    """The command, with an option that may be left out in place of each name; it gets them by its `**`.

    `options` are annotations as a command's own parameters have them. They stand before its own options.
    """

    @functools.wraps(command)
    def asked(*args: Any, **given: Any) -> None:
        command(*args, **given)

    own = [p for p in inspect.signature(command).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in options.items()
    ]
    at = next((i for i, p in enumerate(own) if p.kind is inspect.Parameter.KEYWORD_ONLY), len(own))
    parameters = [*own[:at], *more, *own[at:]]
    asked.__annotations__ = {p.name: p.annotation for p in parameters}
    asked.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return asked


def one_of(word: str, words: Sequence[str], option: str) -> str:
    """The word, where it is one of those; else a usage error with what may have been meant."""
    from rules.words import one_of as told

    if word not in words:
        raise typer.BadParameter(told(word, words), param_hint=option)
    return word
