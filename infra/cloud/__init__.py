"""What infra/deploy and infra/destroy are made of; it needs Python 3.9 and nothing else.

No line that is printed has a value of the environment in it, other than the names of stage and region.
"""
