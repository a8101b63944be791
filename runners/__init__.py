"""Plans, evaluates, selects, resumes, tracks: the only package that knows Hydra, joblib and MLflow."""
