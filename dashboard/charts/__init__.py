"""Chart options for ECharts, as plain values: pure functions over frames, tested without a page."""
