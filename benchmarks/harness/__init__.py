"""What the load harness itself can do: a generator that is late or blind measures itself."""
