"""`python -m tests.bench AREA`: speed and loss, measured on the real parts. One module per area."""
