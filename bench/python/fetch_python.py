#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_python - the lecture's way to load pages: fetch_python WORKERS FILE

urllib in a ThreadPoolExecutor, a line for each page as it completes; the URLs come from a file.
"""
import concurrent.futures
import pathlib
import sys
import urllib.request


def load_url(url, timeout):
    with urllib.request.urlopen(url, timeout=timeout) as page:
        return page.read()


def main():
    workers, path = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as executor:
        urls = {executor.submit(load_url, url, 60): url for url in path.read_text().split()}
        for future in concurrent.futures.as_completed(urls):
            try:
                print(f"{urls[future]!r} page is {len(future.result())} bytes")
            except OSError as why:
                print(f"{urls[future]!r} generated an exception: {why}")


main()
