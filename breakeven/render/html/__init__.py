"""The HTML report, one file per part. ``render/html_report.py`` puts them together."""
