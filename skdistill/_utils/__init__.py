"""What several folders use, and what knows nothing of distillation."""
