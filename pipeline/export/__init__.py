"""Things to hand over: a part of the lake as one file, and a page about one domain. Nothing in them needs this program."""
