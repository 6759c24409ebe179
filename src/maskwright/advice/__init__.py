"""What a configuration should say of a data set: what lies in its folders, and what is chosen because of it."""
