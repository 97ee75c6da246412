"""Results of Surveys: figures, charts, Responses, files."""
