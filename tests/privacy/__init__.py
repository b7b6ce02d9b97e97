"""Nothing of a citizen stays where it must not: known people sent through, and then looked for."""
