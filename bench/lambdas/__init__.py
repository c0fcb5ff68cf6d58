"""Parts of `bench/lambda.py`: how fast, small and lean the function tick is. `infra/tests` runs all functions by them."""
