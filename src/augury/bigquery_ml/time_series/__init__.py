"""How do arima_plus and arima_plus_xreg run without BigQuery?

The pipeline that Google documents (BigQuery docs: 'The CREATE MODEL statement for ARIMA_PLUS models'), step by step:
infer the frequency, put the points on its grid (duplicates averaged, gaps interpolated), clean spikes and dips, adjust
step changes, take out seasonal patterns by STL and carry them on by exponential smoothing, model the rest by ARIMA with
the lowest AIC. Google does not publish the rules inside each step, so the result is equivalent, not identical: same
options, same columns, forecasts of the same quality, other digits. Each module says what its own rule is.
"""
