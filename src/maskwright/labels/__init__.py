"""Class numbers: what stands for what in a mask or label map, overlapping regions, and what counts for nothing."""
