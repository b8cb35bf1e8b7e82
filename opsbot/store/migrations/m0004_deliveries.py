"""Words that may arrive again: who works on them, the run that they began, and what came of them."""

STATEMENTS = (
    "ALTER TABLE seen ADD COLUMN owner TEXT",
    "ALTER TABLE seen ADD COLUMN run TEXT",
    "ALTER TABLE seen ADD COLUMN outcome TEXT",
)
