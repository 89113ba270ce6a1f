"""The steps of a ladder: sizes, rungs, rows that judge, files and their costs, the choice."""
