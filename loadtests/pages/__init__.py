"""Pages that open offline: the report of one run, and several runs side by side."""
