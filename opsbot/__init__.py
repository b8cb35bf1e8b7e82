"""opsbot: a team's runbooks as planned, approved, journaled, undoable chat commands."""
