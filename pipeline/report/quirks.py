"""The stable codes: what was tolerated in a report (quirks), and why something was not read (reject codes).

Every leniency of the parser has one code here, and one rule where it is applied (`notes.add(CODE)`), with its witness: who sends it so. A
report keeps the codes of all rules it needed (`reports.quirks`), so that an unseen dialect shows on its first day. Every refusal has one
code, kept with the message (`messages.reject_code`). Codes are never renamed: they are in people's lakes.
"""

from __future__ import annotations

QUIRKS: dict[str, str] = {
    # the mail
    "media_type_odd": "The report part is not labelled application/tlsrpt+gzip or application/tlsrpt+json, or wrongly (RFC 8460 §5.3)",
    "not_multipart_report": "The mail is not multipart/report with report-type tlsrpt (RFC 8460 §5.3)",
    "zip_container": "The report came in a zip archive instead of gzip (RFC 8460 §5.2)",
    "nested_message": "The report came in a message within the message: forwarded, or put into a journal's envelope (RFC 2046 §5.2.1)",
    "json_array": "Several reports came in one JSON array (RFC 8460 §4.4)",
    "submitter_not_domain": "TLS-Report-Submitter is not a domain name (RFC 8460 §5.3)",
    "submitter_mismatch": "TLS-Report-Submitter is not the domain of contact-info (RFC 8460 §5.3)",
    "report_domain_unsigned": "The recipient domain is known only from an unsigned header (RFC 8460 §5.3)",
    "report_domain_assumed": "A file names no recipient domain; there is one domain of ours only (RFC 8460 §4.4)",
    # the container and the text
    "base64_junk": "The base64 text is not padded, or characters of another alphabet stand in it (RFC 2045 §6.8)",
    "trailing_nul": "NUL bytes follow the gzip member or the JSON text",
    "bom": "A byte order mark precedes the JSON text (RFC 8259 §8.1)",
    # members and texts
    "key_underscore": "A member name has _ for - (RFC 8460 §4.4)",
    "key_draft_alias": "A member has its name or place of an earlier draft, or the figure's placeholder as name (RFC 8460 §4.4)",
    "unknown_key": "There are members that RFC 8460 §4.4 does not know",
    "empty_as_null": "A member is present and empty",
    "control_chars": "Control characters, bidirectional controls or noncharacters were removed from a text (RFC 7493 §2.1)",
    "truncated": "A text was longer than the limit and was cut",
    # the reporting period
    "tz_missing": "A date-time has no time zone and was read as UTC (RFC 3339 §5.6)",
    "tz_offset": "A date-time is given in another zone than UTC (RFC 8460 §4.4)",
    "window_unaligned": "The reporting period is not made of whole UTC days (RFC 8460 §4.1)",
    "window_long": "The reporting period is longer than a week (RFC 8460 §4.1)",
    "stale": "The reporting period ended long before the report was received (RFC 8460 §5.5)",
    # who reports
    "contact_missing": "contact-info is absent, null or empty (RFC 8460 §4.4)",
    "contact_invalid": "contact-info is not a mail address (RFC 8460 §4.4)",
    # the policies
    "policy_type_unknown": "policy-type is not one of sts, tlsa, no-policy-found (RFC 8460 §4.4)",
    "policy_domain_derived": "policy-domain is absent, or names no recipient domain and nothing else does (RFC 8460 §4.4)",
    "policy_string_scalar": "policy-string is a text instead of an array (RFC 8460 §4.4)",
    "policy_string_nested": "An element of policy-string is itself a JSON array (RFC 8460 §4.4)",
    "policy_string_missing": "policy-string is absent though a policy was applied (RFC 8460 §4.4)",
    "mx_host_scalar": "mx-host is a text instead of an array (RFC 8460 appendix B)",
    "mx_host_prefix": "An element of mx-host begins with the policy's own `mx:` (RFC 8461 §3.2)",
    "mx_host_misplaced": "mx-host occurs with a policy that is not sts (RFC 8460 §4.4)",
    "idn_ulabel": "A domain name is in Unicode and was turned into A-labels (RFC 8460 §4.4)",
    "host_invalid": "A host or domain name is invalid (RFC 1035 §2.3.1)",
    # the counts
    "count_missing": "A session count is absent and was taken as 0 (RFC 8460 §4.4)",
    "count_coerced": "A session count is a text of digits or a float without fraction (RFC 8460 §4.4)",
    "count_mismatch": "The failure details do not add up to the failed sessions, as the standard allows (RFC 8460 §4)",
    "failure_without_details": "Failed sessions are counted without details (RFC 8460 §4.4)",
    "details_without_failure": "Failure details are present but no failure is counted (RFC 8460 §4.4)",
    # the failure details
    "result_type_missing": "A failure detail has no result-type (RFC 8460 §4.3)",
    "result_type_unknown": "A result-type is not in the registry (RFC 8460 §6.6)",
    "ip_empty": "An address is present and empty (RFC 8460 §4.4)",
    "ip_invalid": "An address is not a valid IPv4 or IPv6 address (RFC 8460 §4.4)",
    "helo_multiline": "receiving-mx-helo has several lines; the first was kept (RFC 8460 §4.4)",
    "uri_invalid": "additional-information is not a URI (RFC 8460 §4.4)",
}
"""Code and meaning of every deviation that is tolerated."""

REJECT_CODES: dict[str, str] = {
    # the message
    "not_tlsrpt": "Not a TLS report and not labelled as one; left alone",
    "too_large_message": "The message is larger than the limit and was not read",
    "mime_limits": "The message has more or deeper parts, or larger headers, than the limits allow",
    "mime_malformed": "The message claims to be multipart but its parts cannot be separated (RFC 2046 §5.1)",
    "no_report_part": "The message says that it is a TLS report and carries none (RFC 8460 §5.3)",
    "too_many_reports": "The message carries more reports than the limit allows",
    "base64_invalid": "The base64 text of the report part is damaged (RFC 2045 §6.8)",
    # the container
    "gzip_corrupt": "The gzip stream is damaged or cut off (RFC 1952)",
    "gzip_too_large": "The compressed or the inflated report is larger than the limit",
    "gzip_multi_member": "Something follows the gzip member (RFC 1952 §2.2)",
    "zip_refused": "The zip archive is damaged, encrypted, or has not exactly one member",
    # the text
    "utf8_invalid": "The report is not UTF-8 (RFC 7493 §2.1)",
    "json_malformed": "The report is not JSON text (RFC 8259)",
    "json_depth": "The JSON text is nested deeper than the limit",
    "json_duplicate_key": "A member name occurs twice in one JSON object (RFC 7493 §2.3)",
    "json_number": "A number is outside what I-JSON can carry (RFC 7493 §2.2)",
    "json_surrogate": "A string has an unpaired surrogate (RFC 7493 §2.1)",
    # the content
    "schema_invalid": "The JSON text is not shaped like a TLS report (RFC 8460 §4.4)",
    "limits_exceeded": "The report has more of something than the limits allow; never stored in part",
    "date_range": "The reporting period cannot be read, ends before it starts, is too long, before 2016 or in the future (RFC 8460 §4.4)",
    "report_domain_unknown": "Nothing names the recipient domain of the report (RFC 8460 §4.4)",
    # the run
    "timeout": "Reading the message took longer than the limit",
}
"""Code and meaning of every reason not to read a message or a part of it."""
