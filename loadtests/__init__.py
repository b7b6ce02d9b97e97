"""A load harness: drives the gateway as stations do, and judges it from two independent logs."""
