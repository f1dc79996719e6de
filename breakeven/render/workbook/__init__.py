"""The workbook, one file per sheet. ``render/xlsx.py`` puts them together."""
