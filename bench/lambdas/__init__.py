"""Parts of `bench/lambda.py`: how fast, small and lean the function tick is."""
