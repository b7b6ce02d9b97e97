"""Real processes, real sockets, real signals: what an outside observer sees."""
