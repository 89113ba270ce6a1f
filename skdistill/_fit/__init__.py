"""The steps of a fit, from its arguments to the student that is kept."""
