"""MLflow as a view of the records: what its runs say, who writes them, and the pages on which they are looked at."""
