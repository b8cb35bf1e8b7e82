"""Moves a MiniTwit database into ours: from SQLite (the schema of 2010), or from another Postgres with a mapping file."""
