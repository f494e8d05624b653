"""The YAML format as one table: what checks a document, makes its JSON Schema and its reference page."""
