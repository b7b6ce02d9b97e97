"""The public door, on real sockets."""
