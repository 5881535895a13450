#!/usr/bin/env bash
# bash ready.sh <port> [path]: exits 0 when what listens on that port of this container answers 200, else prints the answer.
# Health checks run all day: this takes 5 ms of CPU, starting node 150 and starting rabbitmq-diagnostics 700.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
authorization=''
# RabbitMQ's management API needs a user. rabbitmq-diagnostics would need the Erlang cookie instead, and would create one
# that the server may not read when it runs before the server.
if [[ -n ${RABBITMQ_DEFAULT_USER:-} ]]; then
  authorization="Authorization: Basic $(printf '%s:%s' "$RABBITMQ_DEFAULT_USER" "$RABBITMQ_DEFAULT_PASS" | base64 -w 0)"$'\r\n'
fi
printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sConnection: close\r\n\r\n' "${2:-/readyz}" "$authorization" >&3
read -r -t 8 -u 3 _ status _
[[ $status == 200 ]] && exit
# "docker inspect" shows what a check printed.
cat <&3
exit 1
