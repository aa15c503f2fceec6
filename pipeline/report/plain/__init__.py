"""The short way for plain reports: they are recognised, and what the careful way would read is filled in without looking at each value.

Plain is what a report is nearly always: printable ASCII without escapes, the members of RFC 8460 §4.4 under their own names, values that
need no leniency but a few that are worth it. Whatever is not plain goes the careful way, which stays the only one that decides what is
tolerated and what is refused. Both yield the same `ParsedReport`; tests hold them together.
"""
