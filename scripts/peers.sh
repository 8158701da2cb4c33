#!/usr/bin/env bash
# Starts PostgreSQL and Redis for tests/peers, durable, in a new directory, and
# takes both away at the end:
#
#   scripts/peers.sh [-dir DIR] COMMAND...   run a command, with the servers in its environment
#   scripts/peers.sh [-dir DIR]              print the environment and wait for ctrl-C
#
# DIR (default $TLO_PEERS_DIR, else /var/tmp) must be on the disk that is to be
# measured. The servers listen on 127.0.0.1 only, with a password made for this
# run, and end with this script however it ends. TLO_PEERS_LIMIT (default 2h)
# bounds all of it.
set -euo pipefail

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }
dir=${TLO_PEERS_DIR:-/var/tmp}
case ${1:-} in
-h | --help)
  usage
  exit 0
  ;;
-dir)
  dir=${2:?-dir needs a directory}
  shift 2
  ;;
-*)
  usage >&2
  exit 2
  ;;
esac
limit=${TLO_PEERS_LIMIT:-2h}
here=$PWD

say() { echo "peers.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# postgres_bin prints the directory of the newest PostgreSQL. Debian keeps it
# out of PATH.
postgres_bin() {
  local newest
  newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  [ -n "$newest" ] || newest=$(command -v initdb) || return 1
  dirname "$newest"
}

install_servers() {
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    die "this needs PostgreSQL (initdb, postgres) and redis-server: apt install postgresql redis-server"
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >&2
  # Only the programs are wanted: no cluster of the system's own.
  apt-get install -yq --no-install-recommends postgresql-common >&2
  sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  apt-get install -yq --no-install-recommends postgresql redis-server >&2
}

if ! postgres_bin >/dev/null || ! command -v redis-server >/dev/null; then
  install_servers
fi
bin=$(postgres_bin)

# free_port prints a port on which nobody answers.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 30000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  die "found no free port"
}

base=$(mktemp -d "$(realpath "$dir")/tlo-peers.XXXXXX")
servers=()
command=
# end PID SIGNAL ends a process that this script started, by force after 30 s.
end() {
  kill "-$2" "$1" 2>/dev/null || return 0
  for _ in {1..300}; do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}
stop() {
  local code=$?
  trap - EXIT INT TERM HUP
  [ -z "$command" ] || end "$command" TERM
  for pid in "${servers[@]}"; do end "$pid" INT; done
  rm -rf "$base"
  exit "$code"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# initdb refuses root, so servers run as somebody else; the signal takes them
# along if this script is killed.
as=(setpriv --pdeathsig INT)
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 || die "there is no user postgres to run the servers as: install PostgreSQL from a package, or run this as a user"
  as+=(--reuid postgres --regid postgres --clear-groups)
fi
mkdir "$base"/{postgres,redis,data}
if [ "$(id -u)" = 0 ]; then
  chmod 711 "$base"
  chown postgres: "$base"/{postgres,redis}
fi

umask 077
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "$password" >"$base/postgres/password"
[ "$(id -u)" != 0 ] || chown postgres: "$base/postgres/password"
cd "$base" # servers want to be able to return to where they started
timeout 120 "${as[@]}" "$bin/initdb" -D "$base/postgres/data" -U tlo -A scram-sha-256 \
  --pwfile="$base/postgres/password" --encoding=UTF8 --locale=C >"$base/initdb.log" 2>&1 ||
  die "initdb failed: $(tail -n 5 "$base/initdb.log")"

# What guides for a machine of its own recommend, and all that makes it durable.
postgres_port=$(free_port)
"${as[@]}" "$bin/postgres" -D "$base/postgres/data" -p "$postgres_port" \
  -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \
  -c fsync=on -c synchronous_commit=on -c full_page_writes=on \
  -c shared_buffers=1GB -c max_wal_size=4GB -c min_wal_size=1GB \
  >"$base/postgres.log" 2>&1 </dev/null &
servers+=($!)

redis_port=$(free_port)
# The password comes by standard input: arguments can be seen by everybody.
"${as[@]}" redis-server - >"$base/redis.log" 2>&1 <<END &
port $redis_port
bind 127.0.0.1
dir $base/redis
requirepass $password
appendonly yes
appendfsync always
save ""
END
servers+=($!)
cd "$here"

# await tries a command for 30 s.
await() {
  local name=$1 log=$2
  shift 2
  for _ in {1..300}; do
    "$@" >/dev/null 2>&1 && return
    for pid in "${servers[@]}"; do
      kill -0 "$pid" 2>/dev/null || die "a server ended: $(tail -n 5 "$base"/{postgres,redis}.log)"
    done
    sleep 0.1
  done
  die "$name does not answer: $(tail -n 5 "$log")"
}
redis_answers() { REDISCLI_AUTH=$password redis-cli -p "$redis_port" ping | grep -q PONG; }
await PostgreSQL "$base/postgres.log" "$bin/pg_isready" -h 127.0.0.1 -p "$postgres_port" -d postgres
await Redis "$base/redis.log" redis_answers

export TLO_PEERS_POSTGRES="postgres://tlo:$password@127.0.0.1:$postgres_port/postgres?sslmode=disable"
export TLO_PEERS_REDIS="redis://:$password@127.0.0.1:$redis_port/0"
export TLO_PEERS_DIR="$base/data"

# It runs in the background, so that a signal is heard at once.
if [ $# -gt 0 ]; then
  timeout -k 30 "$limit" "$@" &
else
  env | grep '^TLO_PEERS_[PRD]' | sed 's/^/export /'
  say "the servers run for $limit, or until ctrl-C"
  sleep "$limit" &
fi
command=$!
wait "$command"
