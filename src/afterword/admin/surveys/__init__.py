"""What Surveys say."""
