#!/usr/bin/env bash
# scripts/ready.sh [PORT [HOST]]: succeeds when GET /readyz there answers 200. Bash alone: it also runs
# in the container, which has no curl.
port=${1:-${PORT:-3000}} host=${2:-127.0.0.1}
exec 3<>"/dev/tcp/$host/$port" || exit 1
printf 'GET /readyz HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n' "$host" "$port" >&3
IFS=' ' read -r -t 3 _ status _ <&3 && [ "$status" = 200 ]
