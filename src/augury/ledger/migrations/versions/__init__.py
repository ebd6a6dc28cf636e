"""One script per schema, never edited once released."""
