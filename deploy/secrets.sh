#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml reads, where they are missing; changes none that is there.
# Each file is readable by the one user of the one container that needs it, so this needs root.
set -euo pipefail
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

random() { head -c 32 /dev/urandom | base64 | tr -d '+/=\n'; }

# make NAME OWNER CONTENT
make() {
    if [[ -e secrets/$1 ]]; then
        echo "secrets/$1 is there already"
        return
    fi
    printf '%s\n' "$3" > "secrets/$1"
    chmod 0400 "secrets/$1"
    chown "$2:$2" "secrets/$1"
    echo "made secrets/$1"
}

if [[ $EUID -ne 0 ]]; then
    echo "run it as root: sudo deploy/secrets.sh (each secret belongs to the user that reads it)" >&2
    exit 1
fi

gateway=10001 postgres=999 grafana=472  # the users in docker-compose.yml
make admin_token $gateway "$(random)"
if [[ -e secrets/postgres_password ]]; then password=$(cat secrets/postgres_password); else password=$(random); fi
make postgres_password $postgres "$password"
make gateway_pgpass $gateway "postgres:5432:enrollments:gateway:$password"
make grafana_admin_password $grafana "$(random)"
