"""A mail taken apart: headers, parts, transfer encodings, containers, and the parts that may be a report. PURE."""
