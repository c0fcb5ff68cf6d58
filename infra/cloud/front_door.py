"""What the aggregator is reached by: a Function URL, an HTTP API of API Gateway, or nothing."""

from .words import usage

# https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html, read in November 2026
WITHOUT_FUNCTION_URLS = (
    *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
    *("ca-west-1", "eu-central-2", "eu-south-2", "il-central-1", "me-central-1", "us-gov-west-1"),
)


def check(kind, region):
    """Ends where the region has no such door."""
    if kind == "url" and region in WITHOUT_FUNCTION_URLS:
        usage(f"{region} has no Function URLs: say --front-door http-api (API Gateway), or --front-door none")


def on_emulator(url, endpoint):
    """MiniStack keeps Function URLs and APIs on its own port."""
    host = url.removeprefix("https://").partition("/")[0]
    identifier, service = host.split(".")[:2]
    if service == "execute-api":
        return f"{endpoint}/_aws/execute-api/{identifier}/$default/"
    return f"{endpoint}/_aws/lambda-url/{identifier}/"
