"""All stars of a survey in one table: atmospheres as the pipeline gives them, and what the isochrones make of them."""
