"""What is predicted, and what a label is."""
