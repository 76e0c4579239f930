"""What a plugin breaks: each with the place, what is wrong, and what to do."""

from dataclasses import dataclass, field
from types import TracebackType


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One broken rule.

    Args:
        where: File with line, route, table with column, hook or declaration.
        what: What is there, and the rule that it breaks; whole sentences.
        remedy: What to do; a whole sentence.
    """

    where: str
    what: str
    remedy: str


@dataclass
class Findings:
    """Collects what is found in one plugin."""

    plugin: str
    found: list[Finding] = field(default_factory=list)

    def add(self, where: str, what: str, remedy: str) -> None:
        """Note a broken rule."""
        self.found.append(Finding(where=where, what=what, remedy=remedy))

    def noting(self, where: str, what: str, remedy: str) -> "Noting":
        """Note whatever the block raises, and go on after it; ``what`` says what did not work."""
        return Noting(self, where, what, remedy)

    def text(self) -> str:
        """Return everything as one message, one line for each."""
        count = len(self.found)
        lines = [f"The plugin {self.plugin} does not conform: {count} problem{'s' if count != 1 else ''}."]
        lines += [f"  {self.plugin}: {item.where}: {item.what} {item.remedy}" for item in self.found]
        return "\n".join(lines)


class Noting:
    """A block of somebody else's code: an error in it becomes a finding."""

    def __init__(self, findings: Findings, where: str, what: str, remedy: str) -> None:
        self._findings = findings
        self._where, self._what, self._remedy = where, what, remedy

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self._findings.add(self._where, f"{self._what}: {told(error)}.", self._remedy)
        return True


def told(error: BaseException) -> str:
    """Return an error as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
