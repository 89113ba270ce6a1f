"""The steps of a ladder: sizes, rungs, halving, rows that judge, files and costs, the choice."""
