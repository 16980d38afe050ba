"""All stars of a survey in one table: SSPP parameters and isochrone posteriors."""
