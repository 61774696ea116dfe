"""What the house measures: the definitions (docs/metrics.md), the filter of a report, and the rows behind them."""
