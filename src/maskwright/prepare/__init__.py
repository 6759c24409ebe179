"""From scans and label maps to image/mask pairs, split by patient, and back."""
