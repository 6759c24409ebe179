"""A trained model as a file for other programs, with all that is needed to use it inside."""
