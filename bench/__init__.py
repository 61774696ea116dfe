"""What speed and cost are, measured side by side with the least that the same server and machine can do."""
