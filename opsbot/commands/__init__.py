"""One grammar for chat and terminal: text in, Query, Note or ChangeRequest, Reply out."""
