"""Bulk import: archives of millions of report files into the lake, on the cores of one machine or on a Dask cluster.

The driver lists the sources and cuts them into chunks; workers read chunks and spool their rows as Arrow; the driver weighs what is new in
a batch of chunks, by the rules of `pipeline.lake.dedup.settle`; workers write the batch's data files; the driver makes one commit of it by
the protocol of the lake. See `pipeline/docs/decisions/0022-a-bulk-import-is-read-weighed-and-written.md`.
"""
