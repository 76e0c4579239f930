"""HTML templates to PDF documents, one by one or in bulk.

What lives here: document kinds, fonts, templates lookup, the full render and the compiled one, and the check that both
print the same. What does not: what a document says (plugins) and where it is kept (``portal.files``).
"""
