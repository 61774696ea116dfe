"""The page of figures /ops: which are agreed, the pictures, the tables behind them, and how they stay fresh."""
