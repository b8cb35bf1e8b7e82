"""The step `sql`: one statement on a database that we operate; read only unless it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from opsbot.errors import StepFailed, Unavailable
from opsbot.runs import step
from opsbot.runs.step import Context, Facts, Json, Outputs, Park, Recheck

ROWS_KEPT = 100
TEXT_KEPT = 2_000  # characters of one value


class Execute(Protocol):
    """Runs one statement in one transaction with its own timeouts; rows as mappings. Raises OpsError."""

    def __call__(
        self, environment: str, database: str, statement: str, parameters: Mapping[str, Any], *, read_only: bool
    ) -> Sequence[Mapping[str, Any]]: ...


class Sql:
    """`sql: {environment, database, statement, parameters, changes, undo}`; parameters are bound, never pasted."""

    class With(step.With):
        environment: str
        database: str
        statement: str
        parameters: dict[str, Any] = {}
        changes: bool = False
        undo: str | None = None

    outputs: ClassVar[tuple[str, ...]] = ("rows", "count", "value")
    mutates: ClassVar[bool] = True

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def changes(self, given: Mapping[str, Json]) -> bool:
        return given.get("changes", False) is not False

    def reversible(self, given: Mapping[str, Json]) -> bool:
        return not self.changes(given) or given.get("undo") is not None

    def facts(self, ctx: Context, args: With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: With) -> Outputs | Park:
        rows = self._run(args, args.statement, read_only=not args.changes)
        first = next(iter(rows[0].values()), None) if rows else None
        return {"rows": [_plain(row) for row in rows[:ROWS_KEPT]], "count": len(rows), "value": _scalar(first)}

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        if args.undo is not None:
            self._run(args, args.undo, read_only=False)

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        return ("unknown" if args.changes else "not_done"), None

    def _run(self, args: With, statement: str, *, read_only: bool) -> Sequence[Mapping[str, Any]]:
        """A statement that changes something is sent once: a connection lost at its COMMIT leaves nobody knowing."""
        try:
            return self._execute(args.environment, args.database, statement, args.parameters, read_only=read_only)
        except Unavailable as lost:
            if read_only:
                raise
            what = f"Nobody knows whether the statement took effect. {lost.what}"
            raise StepFailed(what, "Look at the database; it was not sent again.", code="unknown") from lost


def _plain(row: Mapping[str, Any]) -> dict[str, Json]:
    return {str(name): _scalar(value) for name, value in row.items()}


def _scalar(value: object) -> Json:
    plain = value if value is None or isinstance(value, bool | int | float | str) else str(value)
    return plain[:TEXT_KEPT] if isinstance(plain, str) else plain
