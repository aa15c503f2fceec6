"""What fails, since when, whose fault it is, what to do. Pure functions over query results."""
