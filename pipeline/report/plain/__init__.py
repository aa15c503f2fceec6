"""The short way for plain report files: whole chunks of them become columns, without an object for each row.

Plain is what a report file is nearly always: gzip or JSON, printable ASCII without escapes, the members of RFC 8460 §4.4 under their own
names, values that need no leniency but a few that are worth it. Whatever is not plain goes the careful way, which stays the only one that
decides what is tolerated and what is refused; here nothing is ever refused. Tests hold both ways together.
"""
