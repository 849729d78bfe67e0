"""The documents are tested like code: their examples run, their links lead somewhere, their tables are generated.

markdown.py   code blocks, links and headings of a document
regions.py    what the generated parts of the documents say
generate.py   writes them (`make docs`), or fails if they are out of date (`make docs-check`)
session.py    runs the examples of a document as one shell session in a throw-away project
"""
