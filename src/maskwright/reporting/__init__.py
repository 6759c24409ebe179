"""`report.html`: one file about one or several evaluated runs, to be read without a network."""
