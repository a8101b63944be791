"""Records, and what is made from them: statistics and tables. Reads records; knows nothing of how they came about."""
