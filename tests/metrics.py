"""What the page of a server's metrics says."""


def reviews_answered(page: bytes) -> int:
    """How many reviews the server has answered, whatever became of them."""
    counted = [
        line for line in page.decode().splitlines() if line.startswith("runtimegate_reviews_total{")
    ]
    return int(sum(float(line.rpartition(" ")[2]) for line in counted))
