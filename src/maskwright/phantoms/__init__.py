"""Made-up data to try everything on: an abdomen, cells on slides, volumes of two organs. None of it is a patient."""
