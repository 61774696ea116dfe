#!/bin/sh
# Creates and updates Temporal's two databases. Safe to run again: each step skips what is there.
set -eu

prepare() {
    database=$1 schema=$2
    tool="temporal-sql-tool --plugin postgres12 --ep ${POSTGRES_SEEDS} -u ${POSTGRES_USER} -p 5432 --db ${database}"
    $tool create
    $tool setup-schema -v 0.0 2>/dev/null || echo "${database} has a schema"
    $tool update-schema -d "/etc/temporal/schema/postgresql/v12/${schema}/versioned"
}

SQL_PASSWORD=$(cat /run/secrets/temporal_db_password)
export SQL_PASSWORD
prepare temporal temporal
prepare temporal_visibility visibility
