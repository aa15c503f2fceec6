"""From one JSON value to a report: document, policies, failure details. PURE."""
