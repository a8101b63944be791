"""The report of a study: one page that opens by itself, made from the study's records."""
