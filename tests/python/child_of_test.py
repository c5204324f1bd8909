"""What a child of multiprocessing does in logging_test: also where it imports its work again."""

import logging

import stele


def work():
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig(level=logging.INFO, handlers=[stele.Handler()])
    for _ in range(100):
        root.info("child")
