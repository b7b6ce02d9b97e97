"""Whole histories from a seed: the real core, delivery, intake and journal under virtual time.

Around them stand a simulated recording server, stations, an operator, a network and a machine that
fails. After every step and at the end the invariants are checked; a seed that breaks one is
replayed with one command.
"""
