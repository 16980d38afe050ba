"""Results for many stars in one table; an interrupted batch resumes."""
