"""The Streamlit dashboard. It asks through `pipeline.query` and `pipeline.insight` alone."""
