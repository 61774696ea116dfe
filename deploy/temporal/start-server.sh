#!/bin/sh
# The image reads its database password from the environment; the environment of the container itself stays clean.
set -eu

POSTGRES_PWD=$(cat /run/secrets/temporal_db_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
