"""What several tests share: clocks that obey, transports that follow a script, builders."""
