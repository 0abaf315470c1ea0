"""The plots of docs/performance.md, one module for each.

A plot whose part was not measured is not drawn. They need matplotlib, which only ``make
bench-report`` installs.
"""
