#!/usr/bin/env bash
# The dashboard's questions over ten million events, against PostgreSQL 15. The data is made once and kept.
# settings: MAINSTAY_BENCH_CACHE (folder), MAINSTAY_BENCH_ROWS
set -euo pipefail
cache=${MAINSTAY_BENCH_CACHE:-/var/tmp/mainstay-bench/reports}
mkdir -p "$cache"
exec build/release/report_bench "$cache" --rows "${MAINSTAY_BENCH_ROWS:-10000000}" "$@"
