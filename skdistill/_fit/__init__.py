"""What happens in a fit, from the arguments given to the student kept."""
