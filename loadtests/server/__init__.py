"""The simulated recording server: a pure model that collapses, and a thin HTTP shell."""
