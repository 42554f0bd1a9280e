"""What a run leaves behind, made from its records: JSON, tables, the HTML report, exports.

Each format is one module. They know nothing of pixels' origin and import only the records.
"""
