"""Results for many stars: inputs in chunks, estimates in groups of fixed size, one table; an interrupted batch resumes."""
