"""Rule: what implements a hook has the hook's name, arguments and annotations, and the mark ``@hookimpl``."""

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from types import ModuleType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from portal.hooks import specs
from portal.testing.conformance.findings import Findings

Function = Callable[..., Any]
_IMPLEMENTS = f"{specs.PROJECT}_impl"
#: The module before a name in the text of an annotation.
_MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z])")
_SPECIFIES = f"{specs.PROJECT}_spec"


def implementations(module: ModuleType) -> dict[str, Function]:
    """Return hook → function of a plugin's module."""
    return {
        (getattr(value, _IMPLEMENTS).get("specname") or name): value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and hasattr(value, _IMPLEMENTS)
    }


def hookspecs_of(module: ModuleType) -> dict[str, Function]:
    """Return the hooks that a plugin specifies for others; none when it cannot say."""
    declare = implementations(module).get("portal_hookspecs")
    return {name: value for holder in (declare() if declare else ()) for name, value in _specs(holder)}


def check_hooks(
    name: str, module: ModuleType, required: Mapping[str, ModuleType], findings: Findings
) -> None:
    """Note implementations of unknown hooks, of wrong shape or without their mark, and hookspecs of a wrong name."""
    own: dict[str, Function] = {}
    with findings.noting("hook portal_hookspecs", "it raises", "Give the modules that hold your hookspecs."):
        own = hookspecs_of(module)
    known = dict(_specs(specs)) | own
    for other in required.values():
        known |= hookspecs_of(other)
    for hook, function in implementations(module).items():
        where = _place(module, hook, function)
        if hook in known:
            _check_shape(where, function, known[hook], findings)
        elif not getattr(function, _IMPLEMENTS)["optionalhook"]:
            close = difflib.get_close_matches(hook, known, 1)
            hint = (
                f"Did you mean {close[0]}?"
                if close
                else "A hook of another plugin needs its name in REQUIRES."
            )
            findings.add(where, "nobody specifies this hook.", hint)
    for function_name, function in vars(module).items():
        if function_name in known and inspect.isfunction(function) and not hasattr(function, _IMPLEMENTS):
            where = _place(module, function_name, function)
            findings.add(where, "it is never called, because it has no mark.", "Put @hookimpl above it.")
    for hook in own:
        if not hook.startswith(f"{name}_"):
            findings.add(
                f"hookspec {hook}", f"the hooks of a plugin begin with its name, {name}_.", "Rename it."
            )


def _specs(holder: Any) -> list[tuple[str, Function]]:
    return [
        (name, value)
        for name, value in vars(holder).items()
        if inspect.isfunction(value) and hasattr(value, _SPECIFIES)
    ]


def _check_shape(where: str, function: Function, spec: Function, findings: Findings) -> None:
    offered = list(inspect.signature(spec).parameters)
    for argument in inspect.signature(function).parameters:
        if argument not in offered:
            findings.add(
                where,
                f"the hook has no argument {argument!r}.",
                f"It has {', '.join(offered) if offered else 'none'}.",
            )
    given: dict[str, Any] | None = None
    with findings.noting(where, "its annotations cannot be read", "Import what they name."):
        given, wanted = get_type_hints(function), get_type_hints(spec)
    if given is None:
        return
    for argument in [*(name for name in inspect.signature(function).parameters if name in offered), "return"]:
        shown = "the answer" if argument == "return" else f"the argument {argument}"
        if argument not in given:
            findings.add(where, f"{shown} has no annotation.", f"Write {_text(wanted.get(argument))}.")
            continue
        mine, theirs = given[argument], wanted.get(argument, Any)
        if not (_fits(mine, theirs) if argument == "return" else _fits(theirs, mine)):
            findings.add(
                where,
                f"{shown} is annotated {_text(mine)}; the hook's is {_text(theirs)}.",
                f"Write {_text(theirs)}.",
            )


def _fits(narrow: Any, wide: Any) -> bool:
    """Say whether every value of one annotation may stand where the other is wanted."""
    if Any in (narrow, wide) or narrow == wide:
        return True
    if get_origin(narrow) in (Union, UnionType):
        return all(_fits(part, wide) for part in get_args(narrow))
    if get_origin(wide) in (Union, UnionType):
        return any(_fits(narrow, part) for part in get_args(wide))
    inner, outer = get_origin(narrow) or narrow, get_origin(wide) or wide
    if not (isinstance(inner, type) and isinstance(outer, type) and issubclass(inner, outer)):
        return False
    mine, theirs = ([part for part in get_args(item) if part is not Ellipsis] for item in (narrow, wide))
    return len(mine) != len(theirs) or all(map(_fits, mine, theirs))


def _place(module: ModuleType, hook: str, function: Function) -> str:
    package, _, name = module.__name__.rpartition(".")
    return f"{package.rpartition('.')[2]}/{name}.py:{function.__code__.co_firstlineno}, hook {hook}"


def _text(annotation: Any) -> str:
    if annotation in (None, NoneType):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return _MODULE.sub("", str(annotation))
