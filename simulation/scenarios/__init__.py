"""The load tests' scenario files under virtual time: the same citizens at the same moments.

Desks, gateway and recording server decide with the code of the real run; what carries their words
is simulated. The logs are those of a real run, and the same judge reads them. So a run and its
simulation can be laid side by side.
"""
